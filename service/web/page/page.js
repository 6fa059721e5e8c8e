// The page: what is asked of which map, and which answer is on show.

import { onAddress, readAddress, writeAddress } from "./address.js";
import { showAnswer, showFailure, showUnanswered } from "./answer.js";
import { at } from "./elements.js";
import { askForKey } from "./key.js";
import { showFile, showPicture } from "./pictures.js";
import { joinPointing } from "./pointing.js";
import { waitUntilReady } from "./readiness.js";
import { markSample, showSamples } from "./samples.js";
import { Failure, fetchOptions, fetchPicture, fetchSamples, localize } from "./service.js";
import { Stage } from "./stage.js";
import { watchUploads } from "./uploads.js";

const WHY_A_KEY = {
  key_missing: "This service answers those who have a key. It is kept for this tab alone.",
  key_unknown: "This is none of the service's keys; it may have been revoked.",
  scope_missing: "This key does not allow to ask; another one is needed.",
};

/**
 * @typedef {import("./types.js").Query} Query
 * @typedef {import("./types.js").Sample} Sample
 */

/** @type {Sample[]} */
let samples = [];
/** @type {any[]} what is served, as the service describes it */
let maps = [];
/** @type {Query | null} what is asked again if another map is chosen */
let lastQuery = null;
/** @type {AbortController | null} of the request that is under way */
let running = null;
/** @type {Stage | null} */
let stage = null;

async function start() {
  watchUploads(at("file"), (file) => ask({ name: file.name, sample: null, file, truth: null }));
  at("map").addEventListener("change", () => {
    writeAddress({ map: at("map").value, view: null, place: null }, { isStep: true });
    chooseMap();
    if (lastQuery !== null) ask(lastQuery);
  });
  joinPointing(at("plan"), at("evidence"));
  const [ready, options] = await Promise.all([waitUntilReady(), fetchOptions(), offerSamples()]);
  maps = ready.maps;
  stage = new Stage(options, ask);
  onAddress(followAddress);
  await followAddress();
}

/** Shows what the address says. */
async function followAddress() {
  const address = readAddress();
  const named = maps.find(({ name }) => name === address.get("map")) ?? maps[0];
  const isSameMap = stage.mapName === named.name;
  if (maps.length > 1) at("map").value = named.name;
  const opened = isSameMap ? null : chooseMap();
  const wanted = samples.find((sample) => sample.id === address.get("sample"));
  if (wanted === undefined && lastQuery?.sample) showUnasked();
  if (wanted !== undefined && (lastQuery?.sample !== wanted || !isSameMap)) ask(queryOf(wanted), { isStep: false });
  await opened;
  await stage.showAddressed(address.get("view"), address.get("place"));
}

function chooseMap() {
  return stage.showMap(mapName());
}

/** The map that is asked: the chosen one, or the only one. */
function mapName() {
  return at("map-choice").hidden ? maps[0].name : at("map").value;
}

async function offerSamples() {
  try {
    samples = await fetchSamples();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code in WHY_A_KEY) askForKey(at("key"), WHY_A_KEY[error.code]);
    return; // otherwise the state of the service says so already
  }
  showSamples(at("samples"), samples, (sample) => ask(queryOf(sample)));
  at("samples-box").hidden = samples.length === 0;
}

/** @returns {Query} */
function queryOf(sample) {
  const truth = sample.latitude === null ? null : { latitude: sample.latitude, longitude: sample.longitude };
  return { name: sample.condition === null ? sample.id : `${sample.condition} · ${sample.id}`, sample, file: null, truth };
}

/** Nothing is asked: also after going back to where nothing was. */
function showUnasked() {
  running?.abort();
  lastQuery = null;
  markSample(at("samples"), null);
  at("preview").hidden = true;
  showUnanswered();
  stage.clearAnswer();
}

/** @param {Query} query */
async function ask(query, { isStep = true } = {}) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  lastQuery = query;
  markSample(at("samples"), query.sample?.id ?? null);
  if (isStep) writeAddress({ sample: query.sample?.id ?? null, place: null, view: null }, { isStep });
  showQuery(query);
  showWorking(true);
  try {
    const picture = query.file ?? (await fetchPicture(query.sample.url, mine.signal));
    const answer = await localize(picture, maps.length > 1 ? mapName() : null, mine.signal);
    at("spoken").textContent = showAnswer(answer, query.truth, adviceFor(answer.map));
    if (answer.candidates.length === 0) stage?.clearAnswer();
    else stage?.showAnswer(answer, query.truth);
  } catch (error) {
    if (error.name === "AbortError") return; // another question came
    if (!(error instanceof Failure)) throw error;
    at("spoken").textContent = showFailure(error);
    stage?.clearAnswer();
  } finally {
    if (running === mine) showWorking(false);
  }
  bringIntoView();
}

/** What the service says of the map, unless another version has come since. */
function adviceFor({ name, version }) {
  return maps.find((each) => each.name === name && each.version === version)?.calibration_advice ?? null;
}

function showQuery(query) {
  const image = at("preview-picture");
  image.hidden = false;
  image.onerror = () => (image.hidden = true); // no picture, or of a format that browsers do not show
  if (query.file === null) showPicture(image, query.sample.url);
  else showFile(image, query.file);
  at("preview-caption").textContent = query.name;
  at("preview").hidden = false;
}

function showWorking(isWorking) {
  at("answer").classList.toggle("working", isWorking);
  at("answer").setAttribute("aria-busy", String(isWorking));
}

/** On a narrow screen the answer stands below the photo. */
function bringIntoView() {
  if (at("answer").getBoundingClientRect().top > window.innerHeight * 0.7) at("answer").scrollIntoView({ behavior: "smooth" });
}

start();
