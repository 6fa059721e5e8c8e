// The page for operators: reads the service again and again while somebody looks, and shows what it reads.

import { onAddress, readAddress, showWrong, writeAddress } from "./address.js";
import { at, make } from "./elements.js";
import { askForKey } from "./key.js";
import { difference } from "./prometheus.js";
import { Failure, fetchReadiness } from "./service.js";
import { showFacts, showState } from "./status_facts.js";
import { showAnswers, showProblems, showQueue, showStages } from "./status_figures.js";
import { mapCard } from "./status_maps.js";
import { activate, fetchMap, fetchMapList, fetchMetrics } from "./status_service.js";

const READ_EACH_MS = 5000;
const RECENT_S = 300;
const VERSIONS_EACH_S = 60; // also where the list of maps stays as it is: a version may have been made
const WHY_A_KEY = {
  key_missing: "This service shows its state to those who have a key. It is kept for this tab alone.",
  key_unknown: "This is none of the service's keys; it may have been revoked.",
  scope_missing: "Another key is needed. It is kept for this tab alone, instead of the one before.",
};
const SCOPES = "One key may have all that this page can use: placefix keys create --scope read --scope metrics --scope admin.";

/** @typedef {import("./status_service.js").Reading} Reading */

/** @type {Reading[]} the readings of the last minutes, the oldest first */
let readings = [];
let mapsShown = { list: "", atMs: -Infinity };

function start() {
  for (const each of document.querySelectorAll("#span input")) {
    each.addEventListener("change", () => {
      writeAddress({ span: each.value === "start" ? null : each.value }, { isStep: true });
      showFigures();
    });
  }
  onAddress(followAddress);
  followAddress();
  at("show-key").addEventListener("click", () => openKeyForm("scope_missing"));
  let timer = 0;
  const readOn = async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    await read();
    clearTimeout(timer);
    timer = setTimeout(readOn, READ_EACH_MS);
  };
  document.addEventListener("visibilitychange", readOn);
  readOn();
}

/** Shows the span and the map that the address names. */
function followAddress() {
  const span = readAddress().get("span") === "recent" ? "recent" : "start";
  document.querySelector(`#span [value="${span}"]`).checked = true;
  showFigures();
  showNamedMap();
}

function showNamedMap() {
  const name = readAddress().get("map");
  const card = [...document.querySelectorAll(".map")].find((each) => each.dataset.map === name);
  for (const each of document.querySelectorAll(".map")) each.classList.toggle("named", each === card);
  card?.scrollIntoView({ block: "nearest" });
  const isWrong = name !== null && card === undefined && mapsShown.list !== "";
  showWrong(isWrong ? `The address of this page: the map ${name} is not served here.` : "");
}

async function read() {
  const [ready, list, reading] = await Promise.all([outcome(fetchReadiness()), outcome(fetchMapList()), outcome(fetchMetrics())]);
  showState(ready);
  const refused = [list, reading].find(({ failure }) => failure?.code in WHY_A_KEY)?.failure;
  at("key-needed").hidden = refused === undefined;
  if (refused !== undefined && refused.code !== "scope_missing") openKeyForm(refused.code);
  if (reading.value !== undefined) keep(reading.value);
  showUnread(at("figures-unread"), "The figures", reading.failure);
  at("figures").hidden = readings.length === 0;
  document.body.classList.toggle("stale", reading.failure !== undefined);
  showFacts(ready.value ?? null, readings.at(-1) ?? null);
  showFigures();
  showUnread(at("maps-unread"), "The maps", list.failure);
  if (list.value !== undefined) await showMaps(list.value);
}

async function outcome(promise) {
  try {
    return { value: await promise };
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return { failure };
  }
}

function openKeyForm(code) {
  if (at("key").hidden) askForKey(at("key"), `${WHY_A_KEY[code]} ${SCOPES}`);
}

function showUnread(box, what, failure) {
  box.hidden = failure === undefined;
  if (failure !== undefined) box.textContent = `${what} cannot be read${box.dataset.then}: ${failure.message}`;
}

/** @param {Reading} reading */
function keep(reading) {
  const startOf = ({ values }) => [...(values.get("process_start_time_seconds")?.values() ?? [])][0]?.value;
  const isSameProcess = readings.length === 0 || startOf(readings[0]) === startOf(reading);
  readings = [...(isSameProcess ? readings : []), reading].filter(({ atS }) => atS > reading.atS - RECENT_S);
}

function showFigures() {
  const last = readings.at(-1);
  if (last === undefined) return;
  const minutes = (last.atS - readings[0].atS) / 60;
  const recent = minutes > 0 ? difference(last.values, readings[0].values) : null;
  const isRecent = at("span-recent").checked;
  at("span-said").textContent = isRecent ? (recent === null ? "Known after the next reading." : `Since this page was opened, ${Math.max(1, Math.round(minutes))} of at most 5 minutes.`) : "";
  const figures = { now: last.values, recent, minutes, shown: isRecent ? (recent ?? new Map()) : last.values };
  at("answers").replaceChildren(...showAnswers(figures));
  at("stages").replaceChildren(...showStages(figures));
  at("queue").replaceChildren(...showQueue(figures));
  at("problems").replaceChildren(...showProblems(figures));
}

/** Shows the maps anew if there is anything new of them. */
async function showMaps(list) {
  const text = JSON.stringify(list);
  if (text === mapsShown.list && Date.now() - mapsShown.atMs < 1000 * VERSIONS_EACH_S) return;
  const { value: maps, failure } = await outcome(Promise.all(list.map(({ name }) => fetchMap(name))));
  showUnread(at("maps-unread"), "The maps", failure);
  if (maps === undefined) return;
  mapsShown = { list: text, atMs: Date.now() };
  const cards = maps.map((map) => mapCard(map, (version, say) => serve(map, version, say)));
  at("maps").replaceChildren(...(cards.length > 0 ? cards : [make("p", { class: "nothing" }, "No map is loaded.")]));
  showNamedMap();
}

async function serve(map, version, say) {
  const { failure } = await outcome(activate(map.name, version.version, map.version));
  if (failure === undefined) {
    mapsShown.list = "";
    await read();
    const card = [...document.querySelectorAll(".map")].find((each) => each.dataset.map === map.name);
    card?.focus();
    card?.querySelector(".said").append(`${version.version} is served now, instead of ${map.version}.`);
    return;
  }
  say(`${failure.title}: ${failure.message}`);
  if (failure.code in WHY_A_KEY) openKeyForm(failure.code);
}

start();
