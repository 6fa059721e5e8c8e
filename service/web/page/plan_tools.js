// The buttons on the map, and the words below it.

import { draw, make } from "./elements.js";
import { writeDistance } from "./geo.js";
import { ofHundred } from "./trust.js";

const PATHS = {
  "Zoom in": "M12 5v14M5 12h14",
  "Zoom out": "M5 12h14",
  "Show the answer": "M12 3v4m0 10v4M3 12h4m10 0h4M12 15.2a3.2 3.2 0 1 0 0-6.4a3.2 3.2 0 1 0 0 6.4",
  "Show all candidates": "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  "Show the whole map": "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M4 12h16M12 4c-5 5-5 11 0 16c5-5 5-11 0-16",
};

/**
 * Makes the buttons.
 *
 * @param {Partial<Record<keyof typeof PATHS, () => void>>} actions
 */
export function makeTools(actions) {
  const buttons = Object.entries(actions).map(([label, act]) => {
    const sign = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: PATHS[label] }));
    const button = make("button", { type: "button", "aria-label": label, title: label }, sign);
    button.addEventListener("click", act);
    return button;
  });
  return make("div", { class: "plan-tools", role: "group", "aria-label": "The view of the map" }, ...buttons);
}

/**
 * Says what the signs on the map mean, of those that are there.
 *
 * @param {import("./types.js").Answer | null} answer
 * @param {import("./types.js").Position | null} truth
 * @param {{hasPictures: boolean, hasPrior: boolean}} drawn whether the pictures of the map are, and what is known beforehand
 * @returns {HTMLElement[]}
 */
export function legend(answer, truth, { hasPictures, hasPrior }) {
  const entries = [];
  if (answer?.position) entries.push(["key-best", answer.status === "localized" ? "the place" : "the best match"]);
  if (answer?.position && answer.accuracy) {
    const { radius_m: radiusM, level } = answer.accuracy;
    entries.push(["key-reach", `${writeDistance(Math.ceil(radiusM))} around it hold ${ofHundred(level)}`]);
  }
  if (answer !== null) entries.push(["key-spot", "candidates, by rank"]);
  if (answer !== null && truth !== null) entries.push(["key-truth", "where it was taken"]);
  if (hasPrior) entries.push(["key-prior", "known roughly where"]);
  if (hasPictures) entries.push(["key-places", "pictures of the map"]);
  return entries.map(([className, text]) => make("li", { class: className }, make("span", { "aria-hidden": "true" }), text));
}
