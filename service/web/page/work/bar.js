// The parts around the table: progress, filters, actions on rows, and the files to take away.

import { make } from "../elements.js";
import { FILES } from "./files.js";
import { statusesOf, wordOf } from "./order.js";

/**
 * @typedef {import("../types.js").Task} Task
 *
 * @typedef {object} Actions the actions of the buttons
 * @property {() => void} pause
 * @property {() => void} resume
 * @property {() => void} giveUp
 * @property {() => void} retry
 * @property {(status: string | null) => void} filter
 * @property {(together: "place" | "sequence") => void} join
 * @property {() => void} askAgain
 * @property {() => void} takeOut
 * @property {(suffix: string) => void} save
 */

const EMPTY = "Drop a folder or many photos: each becomes a row with its place. They go to this service alone.";
const DONE = "The browser keeps the answers until this tab is closed.";

/**
 * Makes all that stands around a table, with the table in it.
 *
 * @param {HTMLElement} table
 */
export function makeFrame(table) {
  const progress = makeProgress();
  const filters = make("div", { class: "filters", role: "group", "aria-label": "Rows to show" });
  const marked = make("div", { class: "marked", hidden: "" }, make("span"), make("div", { class: "buttons" }));
  const files = make("div", { class: "files", hidden: "" }, make("span"), make("div", { class: "buttons" }));
  const note = make("p", { class: "note", role: "status" });
  const empty = make("p", { class: "none" }, EMPTY);
  const full = make("div", { class: "full", hidden: "" }, progress.element, filters, marked, table, files);
  return { progress, filters, marked, files, note, empty, full };
}

/** Makes the line that says how far the work is. */
function makeProgress() {
  const bar = make("div", { class: "progress", role: "progressbar", "aria-label": "Photos done", "aria-valuemin": 0 }, make("span"));
  const said = make("p", { class: "done" });
  const state = make("p", { class: "state-line", role: "status" });
  const buttons = make("div", { class: "buttons" });
  return { element: make("div", { class: "progress-box" }, make("div", { class: "progress-head" }, make("div", {}, said, state), buttons), bar), bar, said, state, buttons };
}

/**
 * Says how far the work is.
 *
 * @param {ReturnType<makeProgress>} progress
 * @param {Task[]} tasks
 * @param {import("./queue.js").Queue} queue
 * @param {Actions} actions
 */
export function showProgress({ bar, said, state, buttons }, tasks, queue, actions) {
  const done = tasks.length - queue.waiting.length - queue.asking.size;
  const failed = tasks.filter(({ status }) => status === "failed" || status === "cancelled").length;
  bar.setAttribute("aria-valuemax", String(tasks.length));
  bar.setAttribute("aria-valuenow", String(done));
  bar.firstElementChild.style.width = `${tasks.length === 0 ? 0 : (100 * done) / tasks.length}%`;
  said.textContent = `${done.toLocaleString("en")} of ${tasks.length.toLocaleString("en")} done`;
  setText(state, stateOf(queue));
  const wanted = [
    ...(queue.isBusy ? [queue.isPaused ? ["Go on", actions.resume] : ["Pause", actions.pause], ["Give up", actions.giveUp]] : []),
    ...(failed > 0 ? [[`Ask again for ${failed}`, actions.retry]] : []),
  ];
  setButtons(buttons, wanted);
}

/**
 * The filters: a button for each status that occurs.
 *
 * @param {HTMLElement} box
 * @param {Task[]} tasks
 * @param {string | null} chosen the status; null for all
 * @param {Actions} actions
 */
export function showFilters(box, tasks, chosen, actions) {
  const counts = statusesOf(tasks).map((status) => [status, tasks.filter((each) => each.status === status).length]);
  const all = [[null, tasks.length], ...counts, ...(chosen === null || counts.some(([status]) => status === chosen) ? [] : [[chosen, 0]])];
  setButtons(box, all.map(([status, count]) => [`${status === null ? "all" : wordOf(status)} ${count.toLocaleString("en")}`, () => actions.filter(status), status === chosen]));
}

/**
 * Shows the actions on marked rows.
 *
 * @param {HTMLElement} box
 * @param {Set<Task>} checked
 * @param {Actions} actions
 */
export function showMarked(box, checked, actions) {
  box.hidden = checked.size === 0;
  const photos = [...checked].reduce((sum, { photos: { length } }) => sum + length, 0);
  const together = photos < 2 ? [] : [["Ask as one place", () => actions.join("place")], ["Ask as a sequence", () => actions.join("sequence")]];
  setButtons(box.lastElementChild, [...together, ["Ask again", actions.askAgain], ["Take out", actions.takeOut]]);
  box.firstElementChild.textContent = `${checked.size} marked`;
}

/**
 * The files to take away.
 *
 * @param {HTMLElement} box
 * @param {number} count
 * @param {Actions} actions
 */
export function showFiles(box, count, actions) {
  box.hidden = count === 0;
  box.firstElementChild.textContent = `${count.toLocaleString("en")} ${count === 1 ? "answer" : "answers"} as a file`;
  setButtons(box.lastElementChild, Object.entries(FILES).map(([suffix, { label }]) => [label, () => actions.save(suffix)]));
}

function stateOf(queue) {
  if (queue.held !== null) return `${queue.held.failure.title}: the queue goes on after ${Math.ceil(queue.held.seconds)} s.`;
  if (!queue.isBusy) return DONE;
  return queue.isPaused ? "Paused: nothing is sent until you go on." : `${queue.asking.size} at a time.`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text; // an equal text is not read aloud again
}

/** Changes buttons without taking the focus from one that stays. */
function setButtons(box, wanted) {
  while (box.children.length > wanted.length) box.lastElementChild.remove();
  wanted.forEach(([label, act, isPressed], index) => {
    const button = box.children[index] ?? box.appendChild(make("button", { type: "button" }));
    setText(button, label);
    button.onclick = act;
    if (isPressed === undefined) button.removeAttribute("aria-pressed");
    else button.setAttribute("aria-pressed", String(isPressed));
  });
}
