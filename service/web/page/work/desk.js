// Many photos: the queue, the table of their answers, and its place on the page and on the map.

import { readAddress, writeAddress } from "../address.js";
import { at } from "../elements.js";
import { localize } from "../service.js";
import { parametersOf, readPrior } from "../prior/prior.js";
import { makeFrame, showFiles, showFilters, showMarked, showProgress } from "./bar.js";
import { FILES, save } from "./files.js";
import { AnswerMarks } from "./marks.js";
import { arrange } from "./order.js";
import { Queue } from "./queue.js";
import { Table } from "./table.js";
import { forget } from "./thumbnails.js";
import { makeTask, togetherChoice } from "./task.js";

/**
 * @typedef {import("../types.js").Task} Task
 *
 * @typedef {object} Surroundings the parts of the page that the table uses
 * @property {{most_photos: number, most_requests: number}} options the service's options for the page
 * @property {import("../stage.js").Stage} stage
 * @property {() => string | null} mapParameter the map to ask, where several are served
 * @property {(task: Task | null, how?: {isPicked: boolean}) => void} onShow called with the question whose answer is shown next
 * @property {(failure: import("../service.js").Failure, goOn: () => void) => void} onKey
 */

/** The table of many photos, and all that stands around it. */
export class Desk {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.page = surroundings;
    /** @type {Task[]} */
    this.tasks = [];
    this.queue = new Queue({
      most: surroundings.options.most_requests,
      ask: ({ photos, question }, signal) => localize(photos, question, signal),
      onChange: (task) => this.#changed(task),
      onKey: (failure) => surroundings.onKey(failure, () => this.queue.resume()),
    });
    this.table = new Table({
      onSort: (sort) => this.#arrange({ sort }),
      onPick: (task) => this.pick(task),
      onOpen: () => at("answer").focus(),
      onCheck: () => this.#drawSoon(),
    });
    this.actions = this.#actions();
    this.#build();
    surroundings.stage.opened.then((plan) => {
      this.marks = new AnswerMarks(plan, (task) => this.pick(task));
      this.#drawSoon();
    });
    window.addEventListener("beforeunload", (event) => this.queue.isBusy && event.preventDefault());
  }

  /**
   * Takes photos in, and asks about them.
   *
   * @param {import("../given_photos.js").GivenPhotos} given
   */
  add({ photos, left }) {
    const together = photos.length > 1 ? readAddress().get("together") : null;
    if (together !== null && !this.#fits(photos.length)) return;
    this.#say(left === 0 ? "" : `${left.toLocaleString("en")} files that are not pictures were left out.`);
    const groups = together === null ? photos.map((each) => [each]) : [photos];
    this.#ask(groups.map((each) => makeTask(each, { ...this.#parameters(), together })));
  }

  /** Shows what the address says; the table comes and goes with its view. */
  follow({ isOpen = true } = {}) {
    this.isOpen = isOpen;
    this.#drawSoon();
    if (!isOpen) return;
    const address = readAddress();
    this.choice.set(address.get("together") ?? "");
    this.current = this.tasks.find(({ name }) => name === address.get("photo")) ?? null;
    this.table.setCurrent(this.current);
    this.page.onShow(this.current);
  }

  /** Chooses a row: its answer is shown. */
  pick(task) {
    writeAddress({ photo: task.name, view: null, place: null });
    this.current = task;
    this.table.setCurrent(task);
    this.page.onShow(task, { isPicked: true });
  }

  #build() {
    Object.assign(this, makeFrame(this.table.element));
    at("work-body").replaceChildren(this.note, this.empty, this.full);
    this.choice = togetherChoice((together) => writeAddress({ together }));
    at("work-choice").replaceChildren(this.choice.element);
  }

  #actions() {
    const { queue, table } = this;
    const marked = () => this.tasks.filter((each) => table.checked.has(each));
    return {
      pause: () => queue.pause(),
      resume: () => queue.resume(),
      giveUp: () => queue.cancel(),
      retry: () => queue.add(this.tasks.filter(({ status }) => status === "failed" || status === "cancelled")),
      filter: (status) => this.#arrange({ status }),
      join: (together) => this.#join(marked(), together),
      askAgain: () => {
        for (const task of marked()) Object.assign(task.question, this.#parameters());
        queue.add(marked());
      },
      takeOut: () => this.#takeOut(new Set(marked())),
      save: (suffix) => save(`places.${suffix}`, FILES[suffix].type, FILES[suffix].write(this.#finished())),
    };
  }

  #ask(tasks) {
    for (const task of tasks) {
      task.number = (this.tasks.at(-1)?.number ?? 0) + 1;
      this.tasks.push(task);
    }
    this.queue.add(tasks);
  }

  /** One question of the photos of several. */
  #join(tasks, together) {
    const photos = tasks.flatMap((each) => each.photos.map((file, index) => ({ name: each.names[index], file })));
    if (!this.#fits(photos.length)) return;
    const task = makeTask(photos, { ...this.#parameters(), together });
    this.#ask([task]);
    this.table.checkAll(false);
    this.pick(task);
  }

  #fits(count) {
    const { most_photos: most } = this.page.options;
    const fits = count <= most;
    this.#say(fits ? "" : `One question takes at most ${most} photos, and these are ${count}.`);
    return fits;
  }

  #takeOut(tasks) {
    this.queue.cancel([...tasks]);
    this.tasks = this.tasks.filter((each) => !tasks.has(each));
    for (const each of tasks) forget(each.photos[0]);
    this.table.checkAll(false);
    if (tasks.has(this.current)) writeAddress({ photo: null });
    this.follow();
  }

  #parameters() {
    return { map: this.page.mapParameter(), ...parametersOf(readPrior()) };
  }

  #arrange(changes) {
    writeAddress(changes);
    this.#drawSoon();
  }

  #finished() {
    const { status } = this.#wanted();
    return this.tasks.filter((each) => (each.answer ?? each.failure) !== null && (status === null || each.status === status));
  }

  #wanted() {
    const address = readAddress();
    return { sort: address.get("sort"), status: address.get("status") };
  }

  #changed(task) {
    if (task !== null) this.table.renew(task);
    if (task !== null && task === this.current) this.page.onShow(task);
    this.#drawSoon();
  }

  #drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.#draw();
    });
  }

  #draw() {
    const wanted = this.#wanted();
    const rows = arrange(this.tasks, wanted);
    const isEmpty = this.tasks.length === 0;
    [this.empty.hidden, this.full.hidden] = [!isEmpty, isEmpty];
    this.table.show(rows, wanted.sort);
    showProgress(this.progress, this.tasks, this.queue, this.actions);
    showFilters(this.filters, this.tasks, wanted.status, this.actions);
    showMarked(this.marked, this.table.checked, this.actions);
    showFiles(this.files, this.#finished().length, this.actions);
    this.marks?.show(this.isOpen ? rows : []);
  }

  #say(text) {
    this.note.textContent = text;
  }
}
