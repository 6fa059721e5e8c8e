// The page: what is asked, and which answer is on show.

import { showAnswer, showFailure } from "./answer.js";
import { make } from "./elements.js";
import { askForKey } from "./key.js";
import { showFile, showPicture } from "./pictures.js";
import { markSample, showSamples } from "./samples.js";
import { Failure, fetchPicture, fetchReadiness, fetchSamples, localize } from "./service.js";
import { watchUploads } from "./uploads.js";

const ASK_AGAIN_MS = 1500; // whether the service is ready
const WHY_A_KEY = {
  key_missing: "This service answers those who have a key. It is kept for this tab alone.",
  key_unknown: "This is none of the service's keys; it may have been revoked.",
  scope_missing: "This key does not allow to ask; another one is needed.",
};
const at = (id) => document.getElementById(id);

let samples = [];
let maps = []; // what is served, as the service describes it
let lastQuery = null; // what is asked again if another map is chosen
let running = null; // AbortController of the request that is under way

async function start() {
  watchUploads(at("file"), (file) => ask({ name: file.name, sample: null, file }));
  at("map").addEventListener("change", () => {
    remember("map", at("map").value);
    if (lastQuery !== null) ask(lastQuery);
  });
  await Promise.all([waitUntilReady(), offerSamples()]);
  const wanted = samples.find((sample) => sample.id === parameter("sample"));
  if (wanted !== undefined) ask(queryOf(wanted));
}

async function waitUntilReady() {
  for (;;) {
    try {
      describeService(await fetchReadiness());
      return;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const isAway = error.code === "unreachable";
      showService(isAway ? "Cannot be reached" : "Getting ready…", isAway ? "away" : "");
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

function describeService(ready) {
  maps = ready.maps;
  const pictures = ready.maps.reduce((sum, each) => sum + each.pictures, 0).toLocaleString("en");
  const where = ready.maps.length === 1 ? `map ${ready.maps[0].name}` : `${ready.maps.length} maps`;
  showService(`${where} · ${pictures} pictures · ${ready.device.startsWith("cuda") ? "GPU" : "CPU"}`, "ready");
  if (!ready.network.is_trained) {
    at("notice").textContent =
      "The network behind this service is not trained for places: it shows that everything works, not how well places are found.";
    at("notice").hidden = false;
  }
  if (ready.maps.length > 1) {
    at("map").replaceChildren(...ready.maps.map(({ name }) => make("option", { value: name }, name)));
    if (ready.maps.some(({ name }) => name === parameter("map"))) at("map").value = parameter("map");
    at("map-choice").hidden = false;
  }
}

function showService(text, state) {
  at("service").textContent = text;
  at("service").className = `service ${state}`;
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

function queryOf(sample) {
  return { name: sample.condition === null ? sample.id : `${sample.condition} · ${sample.id}`, sample, file: null };
}

async function ask(query) {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  lastQuery = query;
  markSample(at("samples"), query.sample?.id ?? null);
  remember("sample", query.sample?.id ?? null);
  showQuery(query);
  showWorking(true);
  try {
    const picture = query.file ?? (await fetchPicture(query.sample.url, mine.signal));
    const answer = await localize(picture, at("map-choice").hidden ? null : at("map").value, mine.signal);
    at("spoken").textContent = showAnswer(at("answer-body"), answer, truthOf(query.sample), adviceFor(answer.map));
  } catch (error) {
    if (error.name === "AbortError") return; // another question came
    if (!(error instanceof Failure)) throw error;
    at("spoken").textContent = showFailure(at("answer-body"), error);
  } finally {
    if (running === mine) showWorking(false);
  }
  bringIntoView();
}

/** What the service says of the map, unless another version has come since. */
function adviceFor({ name, version }) {
  return maps.find((each) => each.name === name && each.version === version)?.calibration_advice ?? null;
}

function truthOf(sample) {
  return sample === null || sample.latitude === null ? null : { latitude: sample.latitude, longitude: sample.longitude };
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

function parameter(name) {
  return new URLSearchParams(location.search).get(name);
}

/** Keeps the address such that it leads here again. */
function remember(name, value) {
  const parameters = new URLSearchParams(location.search);
  if (value === null) parameters.delete(name);
  else parameters.set(name, value);
  const query = parameters.toString();
  history.replaceState(null, "", query === "" ? location.pathname : `?${query}`);
}

start();
