// One row of the table of many photos.

import { draw, make } from "../elements.js";
import { writeDistance, writeMilliseconds } from "../geo.js";
import { SIGNS } from "../trust.js";
import { wordOf } from "./order.js";
import { drawThumbnail } from "./thumbnails.js";

/** @typedef {import("../types.js").Task} Task */

const CELLS = ["name", "status", "place", "confidence", "radius", "time"];

/**
 * Makes an empty row, with its thumbnail.
 *
 * @param {Task} task
 * @returns {HTMLElement}
 */
export function makeRow(task) {
  const box = make("input", { type: "checkbox", tabindex: -1, "aria-label": `Mark ${task.name}` });
  const picture = make("canvas", { width: 4, height: 3, "aria-hidden": "true" });
  const count = task.photos.length === 1 ? null : make("span", { class: "count" }, `×${task.photos.length}`);
  const cells = CELLS.map((name) => make("span", { role: "gridcell", class: "cell", "data-cell": name }));
  const row = make(
    "div",
    { role: "row", class: "task" },
    make("span", { role: "gridcell", class: "cell", "data-cell": "check" }, box),
    make("span", { role: "gridcell", class: "cell", "data-cell": "picture" }, picture, count),
    ...cells,
  );
  requestAnimationFrame(() => drawThumbnail(picture, task.photos[0]));
  return row;
}

/**
 * Writes the state of a question into its row.
 *
 * @param {HTMLElement} row
 * @param {Task} task
 * @param {boolean} isChecked
 */
export function fillRow(row, task, isChecked) {
  row.querySelector("input").checked = isChecked;
  row.setAttribute("aria-selected", String(isChecked));
  if (row.dataset.status === task.status) return; // nothing else changes without the status
  row.dataset.status = task.status;
  const { answer } = task;
  const texts = {
    name: [make("span", { class: "file", title: task.name }, task.name)],
    status: [make("span", { class: "state" }, signOf(task.status), wordOf(task.status))],
    place: [answer?.position ? `${answer.position.latitude.toFixed(5)}, ${answer.position.longitude.toFixed(5)}` : (task.failure?.message ?? "")],
    confidence: [answer === null || answer.confidence === null ? "" : percent(answer.confidence)],
    radius: [answer?.accuracy ? writeDistance(Math.ceil(answer.accuracy.radius_m)) : ""],
    time: [answer === null ? "" : writeMilliseconds(answer.timings_ms.total)],
  };
  row.querySelector('[data-cell="place"]').title = task.failure?.message ?? "";
  for (const name of CELLS) row.querySelector(`[data-cell="${name}"]`).replaceChildren(...texts[name]);
}

function signOf(status) {
  const path = SIGNS[status];
  return path === undefined ? make("span", { class: "dot", "aria-hidden": "true" }) : draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: path }));
}

function percent(confidence) {
  if (confidence > 0.995) return "> 99 %"; // nobody is sure to 100 %
  return confidence < 0.005 ? "< 1 %" : `${Math.round(100 * confidence)} %`;
}
