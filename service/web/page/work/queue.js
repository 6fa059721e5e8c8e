// Asks about many photos: some at a time, later if the service has no room, and again if somebody wants it.

import { Failure } from "../service.js";

const BUSY = [429, 503];
const KEY_CODES = ["key_missing", "key_unknown", "scope_missing"];
const LONGEST_WAIT_S = 30; // where the service does not say how long
const ANSWERS_FOR_MORE = 8; // in a row, until one more request is sent at a time

/** @typedef {import("../types.js").Task} Task */

/** The questions that wait for an answer. */
export class Queue {
  /**
   * @param {object} given
   * @param {number} given.most requests at a time
   * @param {(task: Task, signal: AbortSignal) => Promise<import("../types.js").Answer>} given.ask
   * @param {(task: Task | null) => void} given.onChange told of a task that is another now; null for the queue itself
   * @param {(failure: Failure) => void} given.onKey told that a key is needed; the queue pauses until it is resumed
   * @param {(act: () => void, afterMs: number) => number} [given.later] as `setTimeout`
   */
  constructor({ most, ask, onChange, onKey, later = (act, afterMs) => setTimeout(act, afterMs) }) {
    this.most = most;
    this.atATime = most;
    this.ask = ask;
    this.onChange = onChange;
    this.onKey = onKey;
    this.later = later;
    /** @type {Task[]} */
    this.waiting = [];
    /** @type {Map<Task, AbortController>} */
    this.asking = new Map();
    this.isPaused = false;
    /** @type {{failure: Failure, seconds: number} | null} why nothing is sent for a while */
    this.held = null;
    this.refusals = 0; // in a row
    this.answers = 0; // in a row
  }

  /** Whether there is anything left to do. */
  get isBusy() {
    return this.waiting.length + this.asking.size > 0;
  }

  /** Puts questions at the end; those that are there already stay where they are. */
  add(tasks) {
    for (const task of tasks.filter((each) => !this.#has(each))) {
      Object.assign(task, { status: "waiting", answer: null, failure: null });
      this.waiting.push(task);
      this.onChange(task);
    }
    this.#fill();
  }

  /** Sends nothing more; answers to sent questions still come. */
  pause() {
    this.isPaused = true;
    this.onChange(null);
  }

  resume() {
    this.isPaused = false;
    this.#fill();
    this.onChange(null);
  }

  /** Gives up some questions, or all that have no answer. */
  cancel(tasks = [...this.asking.keys(), ...this.waiting]) {
    const given = new Set(tasks.filter((each) => this.#has(each)));
    this.waiting = this.waiting.filter((each) => !given.has(each));
    for (const task of given) {
      this.asking.get(task)?.abort();
      this.asking.delete(task);
      task.status = "cancelled";
      this.onChange(task);
    }
    this.#fill();
    this.onChange(null);
  }

  #has({ status }) {
    return status === "waiting" || status === "asking";
  }

  #fill() {
    while (!this.isPaused && this.held === null && this.waiting.length > 0 && this.asking.size < this.atATime) {
      this.#send(this.waiting.shift());
    }
  }

  async #send(task) {
    const mine = new AbortController();
    this.asking.set(task, mine);
    task.status = "asking";
    this.onChange(task);
    try {
      const answer = await this.ask(task, mine.signal);
      if (mine.signal.aborted) return;
      Object.assign(task, { answer, status: answer.status });
      this.#speedUp();
    } catch (error) {
      if (mine.signal.aborted) return; // somebody gave it up
      this.#fail(task, error);
    }
    this.asking.delete(task);
    this.onChange(task);
    this.#fill();
  }

  #fail(task, error) {
    if (error instanceof Failure && isPassing(error)) {
      this.#putBack(task);
      this.#hold(error);
    } else if (error instanceof Failure && KEY_CODES.includes(error.code)) {
      this.#putBack(task);
      if (!this.isPaused) this.onKey(error);
      this.isPaused = true;
    } else {
      const failure = error instanceof Failure ? error : new Failure("The photo cannot be read", String(error), { code: "unreadable_image" });
      Object.assign(task, { status: "failed", failure });
    }
  }

  #putBack(task) {
    task.status = "waiting";
    this.waiting.unshift(task);
  }

  #speedUp() {
    [this.refusals, this.answers] = [0, this.answers + 1];
    if (this.answers % ANSWERS_FOR_MORE === 0) this.atATime = Math.min(this.most, this.atATime + 1);
  }

  /** Sends nothing for as long as the service says, and fewer at a time then. */
  #hold(failure) {
    this.answers = 0;
    if (this.held !== null) return; // another request that was on its way
    this.refusals += 1;
    this.atATime = Math.max(1, this.atATime - 1);
    const seconds = failure.retryAfterS ?? Math.min(LONGEST_WAIT_S, 2 ** (this.refusals - 1));
    this.held = { failure, seconds };
    this.onChange(null);
    this.later(() => {
      this.held = null;
      this.#fill();
      this.onChange(null);
    }, 1000 * seconds);
  }
}

/** Whether the same question may be answered later: the service has no room, or is not there now. */
function isPassing({ status, code }) {
  return BUSY.includes(status) || code === "unreachable";
}
