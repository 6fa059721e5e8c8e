// The verdict: where, how far from the truth if that is known, and how long it took.

import { make, sign } from "./elements.js";
import { RIGHT_WITHIN_M, distanceM, writeDegrees, writeDistance, writeMilliseconds } from "./geo.js";

const STAGES = ["decode", "queue", "encode", "shortlist", "gather", "rerank"];
const COPIED_FOR_MS = 1600;

/** Makes the card's left half. */
export function showVerdict(answer, truth) {
  return make(
    "div",
    { class: "verdict" },
    make("div", {}, ...position(answer.position), truth === null ? null : comparison(answer.position, truth)),
    time(answer.timings_ms),
  );
}

/** The verdict in one sentence, to be read aloud. */
export function sayVerdict(answer, truth) {
  const { latitude, longitude } = answer.position;
  const place = `${writeDegrees(latitude, "north", "south")}, ${writeDegrees(longitude, "east", "west")}`;
  const away = truth === null ? "" : `, ${writeDistance(distanceM(answer.position, truth))} from where it was taken`;
  return `Found: ${place}${away}. ${answer.candidates.length} candidates.`;
}

function position({ latitude, longitude }) {
  const text = `${latitude.toFixed(6)}, ${longitude.toFixed(6)}`;
  const copy = make("button", { type: "button", class: "copy", title: `Copy ${text}` }, "Copy");
  copy.addEventListener("click", async () => {
    copy.textContent = (await copyText(text)) ? "Copied" : text;
    setTimeout(() => (copy.textContent = "Copy"), COPIED_FOR_MS);
  });
  return [
    make("div", { class: "verdict-head" }, make("h3", {}, "Taken at"), copy),
    make(
      "dl",
      { class: "position" },
      make("div", {}, make("dt", {}, "latitude"), make("dd", {}, writeDegrees(latitude, "N", "S"))),
      make("div", {}, make("dt", {}, "longitude"), make("dd", {}, writeDegrees(longitude, "E", "W"))),
    ),
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

function comparison(found, truth) {
  const metres = distanceM(found, truth);
  const isRight = metres <= RIGHT_WITHIN_M;
  return make(
    "p",
    { class: `truth ${isRight ? "right" : "wrong"}`, title: `Counts as right within ${RIGHT_WITHIN_M} m` },
    sign(isRight),
    `${writeDistance(metres)} from where it was taken`,
  );
}

function time(timingsMs) {
  const known = STAGES.map((name) => [name, timingsMs[name]]);
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
