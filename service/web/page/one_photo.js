// One photo: a sample or a file, and what came of asking about it.

import { readAddress } from "./address.js";
import { at } from "./elements.js";
import { parametersOf, readPrior } from "./prior/prior.js";
import { markSample } from "./samples.js";
import { Failure, fetchPicture, localize } from "./service.js";
import { bringIntoView, showOutcome, showQuery, showUnasked } from "./shown.js";

/**
 * @typedef {import("./types.js").Query} Query
 * @typedef {import("./types.js").Sample} Sample
 */

/** The question of one photo, and its answer. */
export class OnePhoto {
  /**
   * @param {object} page
   * @param {import("./stage.js").Stage} page.stage
   * @param {() => string | null} page.mapParameter the map to ask, where several are served
   * @param {(answer: import("./types.js").Answer) => string | null} page.adviceFor
   * @param {(query: Query | null, answer: import("./types.js").Answer | null) => void} page.onShown
   */
  constructor(page) {
    this.page = page;
    this.isOpen = true;
    /** @type {Query | null} the question that is asked again if another map is chosen */
    this.query = null;
    /** @type {import("./shown.js").Outcome} */
    this.outcome = { answer: null, failure: null };
    /** @type {AbortController | null} aborts the request that is under way */
    this.running = null;
  }

  /**
   * Shows the sample that the address names, or the last question.
   *
   * @param {Sample[]} samples
   * @param {boolean} isSameMap whether the map that is asked is the one that was asked before
   */
  follow(samples, isSameMap) {
    this.isOpen = true;
    const wanted = samples.find((sample) => sample.id === readAddress().get("sample"));
    if (wanted === undefined && (this.query === null || this.query.sample !== null)) this.#forget();
    else if (wanted !== undefined && (this.query?.sample !== wanted || !isSameMap)) this.ask(queryOf(wanted));
    else this.#show();
  }

  /** Asks the last question again: of another map, or with more that is known. */
  askAgain() {
    if (this.query !== null && this.isOpen) this.ask(this.query);
  }

  /** @param {Query} query */
  async ask(query) {
    this.running?.abort();
    const mine = new AbortController();
    this.running = mine;
    [this.query, this.outcome] = [query, { answer: null, failure: null }];
    markSample(at("samples"), query.sample?.id ?? null);
    this.#show();
    try {
      const picture = query.file ?? (await fetchPicture(query.sample.url, mine.signal));
      const answer = await localize([picture], { map: this.page.mapParameter(), evidence: "matches", ...parametersOf(readPrior()) }, mine.signal);
      const least = { map: answer.map.name, candidates: 1, shortlist: 1, rerank: "false" };
      const askHeat = async () => (await localize([picture], { ...least, evidence: "heat" })).heat;
      this.outcome = { answer, failure: null, askHeat };
    } catch (error) {
      if (error.name === "AbortError") return; // another question came
      if (!(error instanceof Failure)) throw error;
      this.outcome = { answer: null, failure: error };
    }
    if (!this.isOpen) return; // it is shown once somebody comes back to it
    this.#show();
    bringIntoView();
  }

  #show() {
    const { answer } = this.outcome;
    showQuery(this.query);
    showOutcome(this.query, this.outcome, this.page.stage, answer === null ? null : this.page.adviceFor(answer));
    this.page.onShown(this.query, answer);
  }

  /** Nothing is asked: also after going back to where nothing was. */
  #forget() {
    this.running?.abort();
    this.query = null;
    markSample(at("samples"), null);
    showUnasked(this.page.stage);
    this.page.onShown(null, null);
  }
}

/**
 * Returns the question about a sample.
 *
 * @param {Sample} sample
 * @returns {Query}
 */
export function queryOf(sample) {
  const truth = sample.latitude === null ? null : { latitude: sample.latitude, longitude: sample.longitude };
  return { name: sample.condition === null ? sample.id : `${sample.condition} · ${sample.id}`, sample, file: null, truth };
}
