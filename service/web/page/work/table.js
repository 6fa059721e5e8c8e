// The table of many photos. However many they are, the page has the rows that are in view alone.

import { make } from "../elements.js";
import { fillRow, makeRow } from "./row.js";

/** @typedef {import("../types.js").Task} Task */

const COLUMNS = { name: "Photo", status: "Answer", place: "Place", confidence: "Sure", radius: "Within", time: "Time" };
const BEYOND = 6; // rows above and below the view
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
const SETTLE_MS = 120; // after a key that goes on to other rows

/** The table of questions and answers. */
export class Table {
  /**
   * @param {object} listeners
   * @param {(sort: string) => void} listeners.onSort
   * @param {(task: Task) => void} listeners.onPick
   * @param {() => void} listeners.onOpen told that the reader wants to go on to the answer
   * @param {() => void} listeners.onCheck
   */
  constructor({ onSort, onPick, onOpen, onCheck }) {
    [this.onPick, this.onOpen, this.onCheck] = [onPick, onOpen, onCheck];
    /** @type {Task[]} */
    this.tasks = [];
    /** @type {Set<Task>} */
    this.checked = new Set();
    /** @type {Task | null} */
    this.current = null;
    /** @type {Map<Task, HTMLElement>} */
    this.rows = new Map();
    this.all = make("input", { type: "checkbox", "aria-label": "Mark all rows", tabindex: 0 });
    this.all.addEventListener("change", () => this.checkAll(this.all.checked));
    this.headers = Object.entries(COLUMNS).map(([column, label]) => header(column, label, onSort));
    const start = [make("span", { role: "columnheader" }, this.all), make("span", { role: "columnheader", "aria-label": "Picture" })];
    this.body = make("div", { role: "rowgroup", class: "rows" });
    this.element = make(
      "div",
      { role: "grid", class: "table", "aria-label": "Photos and what came of them", "aria-multiselectable": "true" },
      make("div", { role: "rowgroup", class: "table-head" }, make("div", { role: "row", class: "columns" }, ...start, ...this.headers)),
      this.body,
    );
    this.element.addEventListener("scroll", () => this.#renderSoon());
    new ResizeObserver(() => this.#renderSoon()).observe(this.element);
    this.body.addEventListener("keydown", (event) => this.#steer(event));
    this.body.addEventListener("click", (event) => this.#click(event));
  }

  /**
   * Shows rows.
   *
   * @param {Task[]} tasks
   * @param {string | null} sort
   */
  show(tasks, sort) {
    this.tasks = tasks;
    this.element.setAttribute("aria-rowcount", String(tasks.length + 1));
    for (const each of this.headers) {
      const { column } = each.dataset;
      const direction = sort === column ? "ascending" : sort === `-${column}` ? "descending" : "none";
      each.setAttribute("aria-sort", direction);
    }
    this.#render();
  }

  /** Writes a row anew, if it is in view. */
  renew(task) {
    const row = this.rows.get(task);
    if (row !== undefined) fillRow(row, task, this.checked.has(task));
  }

  /** Makes a row the current one, and brings it into view. */
  setCurrent(task, { takesFocus = false } = {}) {
    this.current = task;
    const index = this.tasks.indexOf(task);
    if (index >= 0) this.#bringIntoView(index);
    this.#render();
    if (takesFocus) this.rows.get(task)?.focus({ preventScroll: true });
  }

  get #height() {
    return parseFloat(getComputedStyle(this.element).getPropertyValue("--row")) || 52;
  }

  #bringIntoView(index) {
    const [top, height] = [index * this.#height, this.#height];
    const head = this.element.firstElementChild.offsetHeight;
    const room = this.element.clientHeight - head;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    else if (top + height > this.element.scrollTop + room) this.element.scrollTop = top + height - room;
  }

  #renderSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.#render();
    });
  }

  #render() {
    const height = this.#height;
    const first = Math.floor(this.element.scrollTop / height) - BEYOND;
    const last = Math.ceil((this.element.scrollTop + this.element.clientHeight) / height) + BEYOND;
    const shown = this.tasks.slice(Math.max(0, first), last);
    if (this.current !== null && this.tasks.includes(this.current) && !shown.includes(this.current)) shown.push(this.current); // keeps the focus
    for (const [task, row] of this.rows) {
      if (shown.includes(task)) continue;
      row.remove();
      this.rows.delete(task);
    }
    this.body.style.height = `${height * this.tasks.length}px`;
    const stop = shown.includes(this.current) ? this.current : this.tasks[0]; // where the Tab key comes in
    for (const task of shown) this.#place(task, height, stop);
    this.all.checked = this.tasks.length > 0 && this.tasks.every((each) => this.checked.has(each));
  }

  #place(task, height, stop) {
    const index = this.tasks.indexOf(task);
    let row = this.rows.get(task);
    if (row === undefined) {
      row = makeRow(task);
      this.rows.set(task, row);
      this.body.append(row);
    }
    row.style.transform = `translateY(${index * height}px)`;
    row.setAttribute("aria-rowindex", String(index + 2));
    row.tabIndex = task === stop ? 0 : -1;
    if (task === this.current) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
    fillRow(row, task, this.checked.has(task));
  }

  #taskAt(element) {
    const row = element.closest('[role="row"]');
    return [...this.rows].find(([, each]) => each === row)?.[0];
  }

  #click({ target }) {
    const task = this.#taskAt(target);
    if (task === undefined) return;
    if (target.matches("input")) this.#check(task, target.checked);
    else this.#pick(task);
  }

  #steer(event) {
    const at = this.tasks.indexOf(this.#taskAt(event.target));
    if (at < 0) return;
    if (event.key in STEPS) this.#goTo(Math.max(0, Math.min(this.tasks.length - 1, at + STEPS[event.key])));
    else if (event.key === " ") this.#check(this.tasks[at], !this.checked.has(this.tasks[at]));
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) this.checkAll(true);
    else if (event.key === "Enter") this.#pick(this.tasks[at], { opens: true });
    else return;
    event.preventDefault();
  }

  #goTo(index) {
    const task = this.tasks[index];
    this.setCurrent(task, { takesFocus: true });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.onPick(task), SETTLE_MS);
  }

  #pick(task, { opens = false } = {}) {
    clearTimeout(this.timer);
    this.setCurrent(task, { takesFocus: true });
    this.onPick(task);
    if (opens) this.onOpen();
  }

  #check(task, isChecked) {
    if (isChecked) this.checked.add(task);
    else this.checked.delete(task);
    this.renew(task);
    this.onCheck();
  }

  /** Marks all rows, or none. */
  checkAll(areChecked) {
    this.checked = new Set(areChecked ? this.tasks : []);
    this.#render();
    this.onCheck();
  }
}

function header(column, label, onSort) {
  const button = make("button", { type: "button", title: `Sort by ${label.toLowerCase()}` }, label);
  const made = make("span", { role: "columnheader", "data-column": column, "aria-sort": "none" }, button);
  button.addEventListener("click", () => onSort(made.getAttribute("aria-sort") === "ascending" ? `-${column}` : column));
  return made;
}
