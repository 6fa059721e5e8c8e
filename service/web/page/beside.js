// The same photo asked of a second map: its answer stands beside the first one, with a map of its own.

import { showCandidates } from "./candidates.js";
import { at, make } from "./elements.js";
import { fetchPicture, localize, Failure } from "./service.js";
import { joinPointing } from "./pointing.js";
import { openPlan } from "./plan.js";
import { AnswerLayer } from "./plan_answer.js";
import { legend, makeTools } from "./plan_tools.js";
import { parametersOf, readPrior } from "./prior/prior.js";
import { showVerdict } from "./verdict.js";

/** @typedef {import("./types.js").Query} Query */

/** The answer of another map to the same question. */
export class Beside {
  /** @param {(answer: import("./types.js").Answer) => string | null} adviceFor */
  constructor(adviceFor) {
    this.adviceFor = adviceFor;
    this.box = at("beside");
    this.title = make("h3", { id: "beside-map", class: "map-name" });
    this.verdict = make("div", { class: "verdict-box" });
    this.plan = make("div", { class: "plan" });
    this.tools = make("div");
    this.legend = make("ul", { class: "plan-legend" });
    this.evidence = make("div", { class: "evidence" });
    this.figure = make("figure", { class: "plan-box", hidden: "" }, make("div", { class: "plan-stage" }, this.plan, this.tools), make("figcaption", {}, this.legend));
    this.box.replaceChildren(this.title, make("div", { class: "overview card" }, this.verdict, this.figure), this.evidence);
    joinPointing(this.plan, this.evidence);
  }

  /**
   * Asks and shows; no question is asked twice.
   *
   * @param {Query | null} query
   * @param {string | null} mapName null for no second map
   * @param {string} firstMap the name of the map beside which it stands
   */
  async show(query, mapName, firstMap) {
    const isWanted = mapName !== null && query !== null;
    this.box.hidden = at("answer-map").hidden = !isWanted;
    if (!isWanted) this.asked = null;
    const parameters = { map: mapName, ...parametersOf(readPrior()) };
    const asked = JSON.stringify(parameters);
    if (!isWanted || (this.asked?.query === query && this.asked.text === asked)) return;
    this.asked = { query, text: asked };
    at("answer-map").textContent = firstMap;
    this.title.textContent = mapName;
    this.coming?.abort();
    this.coming = new AbortController();
    try {
      const picture = query.file ?? (await fetchPicture(query.sample.url, this.coming.signal));
      await this.#showAnswer(await localize([picture], parameters, this.coming.signal), query.truth);
    } catch (error) {
      if (error.name === "AbortError") return; // another question came
      if (!(error instanceof Failure)) throw error;
      this.#showProblem(error.title, error.message);
    }
  }

  async #showAnswer(answer, truth) {
    if (answer.candidates.length === 0) {
      this.#showProblem("Nothing to compare with", `No picture of the map ${answer.map.name} may be the answer.`);
      return;
    }
    this.box.dataset.status = answer.status;
    this.verdict.replaceChildren(showVerdict(answer, truth, this.adviceFor(answer)));
    this.evidence.replaceChildren(showCandidates(answer, truth));
    this.figure.hidden = false;
    this.legend.replaceChildren(...legend(answer, truth, { hasPictures: false, hasPrior: false }));
    this.layer ??= await this.#open();
    this.layer.show(answer, truth);
  }

  async #open() {
    const plan = await openPlan(this.plan, { hasTiles: false });
    plan.map.getContainer().setAttribute("aria-label", "Map of the second answer. Arrow keys move it, plus and minus zoom.");
    const layer = new AnswerLayer(plan, (rank) => this.evidence.querySelector(`[data-rank="${rank}"]`)?.scrollIntoView({ block: "nearest" }));
    const animate = !plan.isStill;
    const tools = {
      "Zoom in": () => plan.map.zoomIn(1, { animate }),
      "Zoom out": () => plan.map.zoomOut(1, { animate }),
      "Show the answer": () => layer.fitAnswer(),
      "Show all candidates": () => layer.fitCandidates(),
    };
    this.tools.replaceChildren(makeTools(tools));
    return layer;
  }

  #showProblem(title, text) {
    delete this.box.dataset.status;
    this.verdict.replaceChildren(make("div", { class: "problem" }, make("h3", {}, title), make("p", {}, text)));
    this.evidence.replaceChildren();
    this.figure.hidden = true;
  }
}
