// The verdict: where, how sure that is, how far from the truth if that is known, and how long it took.

import { draw, make, sign } from "./elements.js";
import { RIGHT_WITHIN_M, distanceM, writeDegrees, writeDistance, writeMilliseconds } from "./geo.js";
import { SIGNS, ofHundred, trustOf } from "./trust.js";

const STAGES = ["decode", "queue", "encode", "shortlist", "gather", "rerank", "evidence"];
const COPIED_FOR_MS = 1600;

/**
 * Makes the card's left half.
 *
 * @param {import("./types.js").Answer} answer with at least one candidate
 * @param {import("./types.js").Position | null} truth where the photo was taken, or null
 * @param {string | null} advice how to get confidences worth trusting from this map, or null
 */
export function showVerdict(answer, truth, advice) {
  return make(
    "div",
    { class: "verdict" },
    make("div", {}, ...trust(answer), ...position(answer), truth === null ? null : comparison(answer, truth)),
    make("div", { class: "below" }, advice === null ? null : make("p", { class: "advice" }, sentence(advice)), time(answer.timings_ms)),
  );
}

/**
 * The verdict in a few sentences, to be read aloud.
 *
 * @param {import("./types.js").Answer} answer
 * @param {import("./types.js").Position | null} truth
 */
export function sayVerdict(answer, truth) {
  const said = trustOf(answer);
  const parts = [`${said.headline}${answer.position === null ? "" : `: ${placeOf(answer.position)}`}.`, said.sentence, said.why];
  if (answer.accuracy !== null) parts.push(`${reach(answer.accuracy)}.`);
  if (truth !== null && answer.position !== null) parts.push(`${away(answer.position, truth)}.`);
  parts.push(`${answer.candidates.length} candidates.`);
  return parts.filter((each) => each !== "").join(" ");
}

function placeOf({ latitude, longitude }) {
  return `${writeDegrees(latitude, "north", "south")}, ${writeDegrees(longitude, "east", "west")}`;
}

function reach({ radius_m: radiusM, level }) {
  return `Within ${writeDistance(Math.ceil(radiusM))} in ${ofHundred(level)}`;
}

function away(found, truth) {
  return `${writeDistance(distanceM(found, truth))} from where it was taken`;
}

function trust(answer) {
  const { headline, sentence: said, why } = trustOf(answer);
  const picture = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: SIGNS[answer.status] ?? SIGNS.uncertain }));
  return [
    make("div", { class: "verdict-head" }, make("h3", { class: "headline" }, picture, headline), copyButton(answer.position)),
    make("p", { class: "sure" }, said),
    meter(answer.confidence),
    why === "" ? null : make("p", { class: "why" }, why),
  ];
}

function meter(confidence) {
  if (confidence === null) return null;
  const filled = make("span");
  filled.style.width = `${100 * confidence}%`;
  return make("div", { class: "meter", "aria-hidden": "true" }, filled);
}

function copyButton(position) {
  if (position === null) return null;
  const { latitude, longitude } = position;
  const text = `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`;
  const copy = make("button", { type: "button", class: "copy", title: `Copy ${text}` }, "Copy");
  copy.addEventListener("click", async () => {
    copy.textContent = (await copyText(text)) ? "Copied" : text;
    setTimeout(() => (copy.textContent = "Copy"), COPIED_FOR_MS);
  });
  return copy;
}

function position({ position: found, accuracy }) {
  if (found === null) return [];
  const { latitude, longitude } = found;
  return [
    make(
      "dl",
      { class: "position" },
      make("div", {}, make("dt", {}, "latitude"), make("dd", {}, writeDegrees(latitude, "N", "S"))),
      make("div", {}, make("dt", {}, "longitude"), make("dd", {}, writeDegrees(longitude, "E", "W"))),
    ),
    accuracy === null ? null : make("p", { class: "reach" }, reach(accuracy)),
  ];
}

/** Browsers give the clipboard to pages from this machine and over TLS alone. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function comparison({ position: found, candidates }, truth) {
  const isNear = distanceM(found ?? candidates[0], truth) <= RIGHT_WITHIN_M;
  const title = `Counts as right within ${RIGHT_WITHIN_M} m`;
  if (found !== null) return make("p", { class: `truth ${isNear ? "right" : "wrong"}`, title }, sign(isNear), away(found, truth));
  const text = `The most similar picture is ${away(candidates[0], truth)}`;
  // Far from it, whether the map has the place is not known here.
  return make("p", { class: `truth ${isNear ? "wrong" : "open"}`, title }, isNear ? sign(false) : null, text);
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function time(timingsMs) {
  const known = STAGES.map((name) => [name, timingsMs[name] ?? 0]);
  const rest = timingsMs.total - known.reduce((sum, [, duration]) => sum + duration, 0);
  const stages = [...known, ["other", Math.max(0, rest)]].filter(([, duration]) => duration >= 0.05);
  const bar = stages.map(([name, duration]) => {
    const part = make("span", { class: `stage-${name}`, title: `${name} ${writeMilliseconds(duration)}` });
    part.style.flexGrow = duration;
    return part;
  });
  const legend = stages.map(([name, duration]) => make("li", { class: `stage-${name}` }, `${name} ${writeMilliseconds(duration)}`));
  return make(
    "div",
    {},
    make("div", { class: "time-head" }, make("h3", {}, "Time"), make("strong", {}, writeMilliseconds(timingsMs.total))),
    make("div", { class: "time-bar", "aria-hidden": "true" }, ...bar),
    make("ul", { class: "time-legend" }, ...legend),
  );
}
