// The page: which map is asked, and whether one photo or many are on show.

import { onAddress, readAddress, showWrong, writeAddress, wrongIn } from "./address.js";
import { at } from "./elements.js";
import { askForKey } from "./key.js";
import { OnePhoto, queryOf } from "./one_photo.js";
import { joinPointing } from "./pointing.js";
import { onPrior } from "./prior/prior.js";
import { waitUntilReady } from "./readiness.js";
import { showSamples } from "./samples.js";
import { Failure, fetchOptions, fetchSamples } from "./service.js";
import { bringIntoView, showOutcome, showQuery, showUnasked } from "./shown.js";
import { Stage } from "./stage.js";
import { watchUploads } from "./uploads.js";

const WHY_A_KEY = {
  key_missing: "This service answers those who have a key. It is kept for this tab alone.",
  key_unknown: "This is none of the service's keys; it may have been revoked.",
  scope_missing: "This key does not allow to ask; another one is needed.",
};

/** @type {import("./types.js").Sample[]} */
let samples = [];
let haveSamplesCome = false;
/** @type {any[]} the served maps, as the service describes them */
let maps = [];
/** @type {any} the options of the page */
let options = null;
/** @type {Stage | null} null until the service is ready */
let stage = null;
/** @type {OnePhoto | null} */
let one = null;
/** @type {Promise<import("./beside.js").Beside> | null} the answer of another map, once somebody wants it */
let beside = null;
/** @type {Promise<import("./work/desk.js").Desk> | null} the table of many photos, once somebody wants it */
let desk = null;

async function start() {
  watchUploads([at("file"), at("folder"), at("camera")], take);
  at("to-one").addEventListener("click", (event) => setMode(event, null));
  at("to-many").addEventListener("click", (event) => setMode(event, "many"));
  at("map").addEventListener("change", () => {
    writeAddress({ map: at("map").value, view: null, place: null }, { isStep: true });
    stage.showMap(mapName());
    one.askAgain();
  });
  at("other-map").addEventListener("change", () => {
    writeAddress({ compare: at("other-map").value || null }, { isStep: true });
    showBeside();
  });
  joinPointing(at("plan"), at("evidence"));
  const [ready] = await Promise.all([waitUntilReady(), offerSamples(), fetchOptions().then((found) => (options = found))]);
  maps = ready.maps;
  stage = new Stage(options, ask);
  one = new OnePhoto({ stage, mapParameter, adviceFor, onShown: showBeside });
  onAddress(followAddress);
  onPrior(() => one.askAgain());
  import("./prior/form.js").then(({ offerPrior }) => offerPrior(at("prior"), stage));
  await followAddress();
}

/** Shows what the address says. */
async function followAddress() {
  const address = readAddress();
  const named = maps.find(({ name }) => name === address.get("map")) ?? maps[0];
  showWrong(wrongIn(address, maps.map(({ name }) => name), haveSamplesCome ? samples.map(({ id }) => id) : null));
  const isSameMap = stage.mapName === named.name;
  if (maps.length > 1) at("map").value = named.name;
  const opened = isSameMap ? null : stage.showMap(named.name);
  await showMode();
  if (!isMany()) one.follow(samples, isSameMap);
  await opened;
  await stage.showAddressed(address.get("view"), address.get("place"));
}

function isMany() {
  return readAddress().get("mode") === "many";
}

async function setMode(event, mode) {
  event.preventDefault();
  if (stage === null) return;
  writeAddress({ mode, photo: null, view: null, place: null }, { isStep: true });
  await followAddress();
}

/** Shows the view for one photo or that for many; each keeps its content. */
async function showMode() {
  const table = await (isMany() ? openDesk() : desk);
  const many = isMany(); // it may be another by now
  document.body.dataset.mode = many ? "many" : "one";
  at("to-one").setAttribute("aria-current", many ? "false" : "page");
  at("to-many").setAttribute("aria-current", many ? "page" : "false");
  one.isOpen = !many;
  table?.follow({ isOpen: many });
}

function openDesk() {
  desk ??= import("./work/open.js").then(({ openDesk: open }) => open({ options, stage, mapParameter, onShow: showTask, onKey: askKey }));
  return desk;
}

/** Photos were given: one is asked about, many become rows of the table. */
async function take(given) {
  if (stage === null) return; // the service says that it is not ready
  const [first] = given.photos;
  if (!isMany() && given.photos.length === 1) return ask({ name: first.name, sample: null, file: first.file, truth: null });
  if (!isMany()) writeAddress({ mode: "many", view: null, place: null }, { isStep: true });
  await showMode();
  (await openDesk()).add(given);
}

/** Asks about one photo, whichever view was on show. */
async function ask(query) {
  writeAddress({ mode: null, photo: null, sample: query.sample?.id ?? null, place: null, view: null }, { isStep: true });
  await showMode();
  await one.ask(query);
}

/** Shows what another map says to the same photo, if somebody wants that. */
async function showBeside() {
  const named = maps.find(({ name }) => name === readAddress().get("compare") && name !== mapName())?.name ?? null;
  at("other-map").value = named ?? "";
  if (named === null && beside === null) return;
  beside ??= import("./beside.js").then(({ Beside }) => new Beside(adviceFor));
  (await beside).show(one.query, named, mapName());
}

/** @param {import("./types.js").Task | null} task */
function showTask(task, { isPicked = false } = {}) {
  if (!isMany()) return;
  if ((task?.answer ?? task?.failure ?? null) === null) showUnasked(stage);
  if (task === null) return;
  const query = { name: task.name, sample: null, file: task.photos[0], truth: null };
  showQuery(query);
  showOutcome(query, task, stage, task.answer === null ? null : adviceFor(task.answer));
  if (isPicked) bringIntoView();
}

/** The map that is asked: the chosen one, or the only one. */
function mapName() {
  return mapParameter() ?? maps[0].name;
}

function mapParameter() {
  return maps.length > 1 ? at("map").value : null;
}

async function offerSamples() {
  try {
    samples = await fetchSamples();
    haveSamplesCome = true;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code in WHY_A_KEY) askKey(error);
    return; // otherwise the state of the service says so already
  }
  showSamples(at("samples"), samples, (sample) => ask(queryOf(sample)));
  at("samples-box").hidden = samples.length === 0;
}

function askKey(failure, goOn) {
  askForKey(at("key"), WHY_A_KEY[failure.code], goOn);
}

/** Returns the service's advice on the map of an answer, unless another version has come since. */
function adviceFor({ map: { name, version } }) {
  return maps.find((each) => each.name === name && each.version === version)?.calibration_advice ?? null;
}

start();
