// Puts the answer together, or what went wrong instead.

import { showCandidates } from "./candidates.js";
import { make } from "./elements.js";
import { drawPlot } from "./plot.js";
import { sayVerdict, showVerdict } from "./verdict.js";

/**
 * Shows an answer.
 *
 * @param body what to fill
 * @param answer as the service gave it
 * @param truth where the photo was taken, or null
 * @param advice how to get confidences worth trusting from this map, or null
 * @returns the sentence to read aloud
 */
export function showAnswer(body, answer, truth, advice) {
  body.dataset.status = answer.status;
  if (answer.candidates.length === 0) {
    const sentence = `No picture of the map ${answer.map.name} comes into question.`;
    body.replaceChildren(problem("Nothing to compare with", sentence, ""));
    return sentence;
  }
  const plot = make("div", { class: "plot" }, drawPlot(answer.candidates, truth, answer.accuracy?.radius_m ?? null));
  const candidates = showCandidates(answer, truth);
  joinPointing(plot, candidates);
  body.replaceChildren(make("div", { class: "overview card" }, showVerdict(answer, truth, advice), plot), candidates, raw(answer));
  return sayVerdict(answer, truth);
}

/** Shows a Failure; returns the sentence to read aloud. */
export function showFailure(body, failure) {
  delete body.dataset.status;
  body.replaceChildren(problem(failure.title, failure.message, failure.requestId));
  return `${failure.title}. ${failure.message}`;
}

function problem(title, detail, requestId) {
  return make(
    "div",
    { class: "problem card" },
    make("h3", {}, title),
    make("p", {}, detail),
    requestId === "" ? null : make("p", {}, `Request ${requestId}`),
  );
}

/** Who points at a candidate sees it in the plan, and the other way round. */
function joinPointing(plot, candidates) {
  const cards = [...candidates.querySelectorAll("[data-rank]")];
  const spots = [...plot.querySelectorAll("[data-ranks]")];
  const ranksOf = (element) => (element.dataset.rank ?? element.dataset.ranks).split(" ");
  const point = (ranks) => {
    for (const each of [...cards, ...spots]) {
      each.classList.toggle("pointed", ranksOf(each).some((rank) => ranks.includes(rank)));
    }
  };
  for (const each of [...cards, ...spots]) {
    each.addEventListener("pointerenter", () => point(ranksOf(each)));
    each.addEventListener("pointerleave", () => point([]));
  }
}

function raw(answer) {
  return make("details", { class: "raw" }, make("summary", {}, "The answer as JSON"), make("pre", { tabindex: 0 }, JSON.stringify(answer, null, 2)));
}
