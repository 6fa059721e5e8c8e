// The marks that stand on the map.

import { draw, make } from "./elements.js";
import { SIGNS } from "./trust.js";

const SPREAD_DEG = 56; // the angle of a heading's wedge

/** @typedef {import("./types.js").Candidate} Candidate */

/**
 * Makes the mark of the answer.
 *
 * @param {import("./types.js").Status} status
 * @param {Candidate[]} group the best candidate, and those at the same place
 */
export function bestMark(status, group) {
  const sign = draw("svg", { class: "sign", viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: SIGNS[status] ?? SIGNS.uncertain }));
  return make("span", { class: "spot best", "data-ranks": ranksOf(group) }, ...wedges(group, 46), make("span", { class: "disc" }, sign), ranks(group, "ranks"));
}

/**
 * Makes the mark of other candidates.
 *
 * @param {Candidate[]} group at one place
 */
export function spotMark(group) {
  return make("span", { class: "spot", "data-ranks": ranksOf(group) }, ...wedges(group, 30), ranks(group, "pill"));
}

/**
 * Makes the mark of the place where a photo was taken.
 *
 * @param {boolean} isAround whether it would hide another mark, and goes around it
 */
export function truthMark(isAround) {
  return make("span", { class: isAround ? "true-spot around" : "true-spot" });
}

function ranksOf(group) {
  return group.map((each) => each.rank).join(" ");
}

function ranks(group, className) {
  const all = group.map((each) => each.rank);
  return make("span", { class: className }, all.length > 4 ? `${all.slice(0, 3).join(" ")} …` : all.join(" "));
}

/** Where the cameras looked: one wedge for each direction. */
function wedges(group, radius) {
  const headings = group.map((each) => each.heading_deg).filter((each) => each !== null);
  const distinct = headings.filter((each, index) => headings.findIndex((other) => Math.abs(other - each) < 15) === index);
  return distinct.map((heading) => wedge(heading, radius));
}

function wedge(headingDeg, radius) {
  const half = (SPREAD_DEG * Math.PI) / 360;
  const [x, y] = [radius * Math.sin(half), radius * Math.cos(half)];
  const path = draw("path", { d: `M0 0L${-x} ${-y}A${radius} ${radius} 0 0 1 ${x} ${-y}z`, transform: `rotate(${headingDeg})` });
  const box = `${-radius} ${-radius} ${2 * radius} ${2 * radius}`;
  return draw("svg", { class: "wedge", viewBox: box, width: 2 * radius, height: 2 * radius, "aria-hidden": "true" }, path);
}
