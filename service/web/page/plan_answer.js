// The answer on the map: where, within which circle, looking where, and the candidates by their numbers.

import { fit } from "./plan.js";
import { distanceM, writeDistance } from "./geo.js";
import { bestMark, spotMark, truthMark } from "./plan_marks.js";

const TOGETHER = 20; // pixels; nearer than this, candidates share a mark
const LEAST_M = 30; // around the answer that the view shows
const AROUND = 2.2; // radii around the answer that the view shows

/**
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Candidate} Candidate
 * @typedef {import("./types.js").Plan} Plan
 * @typedef {import("./types.js").Position} Position
 */

/** The layer of the answer: its circle, its mark, and those of the candidates. */
export class AnswerLayer {
  /**
   * @param {Plan} plan
   * @param {(rank: number) => void} onPick told of the candidate that was clicked
   */
  constructor(plan, onPick) {
    this.plan = plan;
    this.onPick = onPick;
    this.ground = plan.L.layerGroup().addTo(plan.map);
    this.marks = plan.L.layerGroup().addTo(plan.map);
    this.strokes = plan.L.svg({ padding: 1 });
    /** @type {{answer: Answer, truth: Position | null} | null} */
    this.shown = null;
    plan.map.on("zoomend", () => this.#drawMarks());
  }

  /**
   * Shows an answer.
   *
   * @param {Answer} answer with at least one candidate
   * @param {Position | null} truth where the photo was taken
   */
  show(answer, truth) {
    this.shown = { answer, truth };
    this.#drawGround();
    this.fitAnswer();
    this.#drawMarks();
  }

  /** Takes the answer off the map. */
  clear() {
    this.shown = null;
    this.ground.clearLayers();
    this.marks.clearLayers();
  }

  /** Moves the view to the answer: its circle, where the photo was taken, and the candidates nearby. */
  fitAnswer() {
    if (this.shown === null) return;
    const { answer, truth } = this.shown;
    const best = answer.position ?? answer.candidates[0];
    const reachM = Math.max(LEAST_M, AROUND * (answer.accuracy?.radius_m ?? 0));
    const bounds = at(this.plan, best).toBounds(2 * reachM);
    if (truth !== null && distanceM(truth, best) < 50 * reachM) bounds.extend(at(this.plan, truth));
    if (answer.position === null) for (const each of answer.candidates) bounds.extend(at(this.plan, each));
    fit(this.plan, bounds);
  }

  /** Moves the view to all candidates. */
  fitCandidates() {
    if (this.shown === null) return;
    const { L } = this.plan;
    const { answer, truth } = this.shown;
    const positions = [...answer.candidates, ...(truth === null ? [] : [truth])];
    fit(this.plan, L.latLngBounds(positions.map((each) => at(this.plan, each))).pad(0.05));
  }

  #drawGround() {
    const { L } = this.plan;
    const { answer, truth } = this.shown;
    this.ground.clearLayers();
    const still = { interactive: false, renderer: this.strokes };
    if (answer.position !== null && answer.accuracy !== null) {
      this.ground.addLayer(L.circle(at(this.plan, answer.position), { radius: answer.accuracy.radius_m, className: "radius", ...still }));
    }
    if (truth !== null && answer.position !== null) {
      this.ground.addLayer(L.polyline([at(this.plan, answer.position), at(this.plan, truth)], { className: "error", ...still }));
    }
  }

  #drawMarks() {
    this.marks.clearLayers();
    if (this.shown === null) return;
    const { answer, truth } = this.shown;
    for (const group of this.#grouped(answer.candidates).reverse()) {
      const isAnswer = group[0].rank === 1 && answer.position !== null;
      const mark = isAnswer ? bestMark(answer.status, group) : spotMark(group);
      const near = group[0].rank === 1 ? "" : `, ${writeDistance(distanceM(group[0], answer.candidates[0]))} from the first`;
      const label = `${isAnswer ? "The answer, candidate" : "Candidate"} ${group.map((each) => each.rank).join(", ")}${near}`;
      const marker = this.#mark(group[0], mark, label, isAnswer ? 1000 : -10 * group[0].rank);
      marker.on("click", () => this.onPick(group[0].rank));
    }
    if (truth === null) return;
    const gaps = answer.candidates.map((each) => this.#spot(truth).distanceTo(this.#spot(each)));
    const height = answer.position === null ? -2000 : 2000; // without an answer the ring lies below the numbers, which it would hide
    this.#mark(truth, truthMark(Math.min(...gaps) < TOGETHER), "Where the photo was taken", height, false);
  }

  #mark(position, element, label, zIndexOffset, interactive = true) {
    const { L } = this.plan;
    const icon = L.divIcon({ html: element, className: "plan-mark", iconSize: [0, 0] });
    const marker = L.marker(at(this.plan, position), { icon, zIndexOffset, interactive, keyboard: interactive });
    this.marks.addLayer(marker);
    marker.getElement().setAttribute("aria-label", label);
    if (!interactive) marker.getElement().setAttribute("role", "img");
    marker.getElement().title = label;
    return marker;
  }

  /** Where a position is on the screen, in pixels. */
  #spot(position) {
    return this.plan.map.latLngToLayerPoint(at(this.plan, position));
  }

  /** @returns {Candidate[][]} those together that share a mark at this zoom */
  #grouped(candidates) {
    const groups = [];
    for (const candidate of candidates) {
      const spot = this.#spot(candidate);
      const near = groups.find((group) => group.spot.distanceTo(spot) < TOGETHER);
      if (near === undefined) groups.push({ spot, members: [candidate] });
      else near.members.push(candidate);
    }
    return groups.map((group) => group.members);
  }
}

function at({ L }, { latitude, longitude }) {
  return L.latLng(latitude, longitude);
}
