// Puts the answer together, or the error.

import { showCandidates } from "./candidates.js";
import { at, make } from "./elements.js";
import { showMatches } from "./matches.js";
import { sayVerdict, showVerdict } from "./verdict.js";

const unanswered = at("verdict").firstElementChild.cloneNode(true); // as the page begins

/**
 * Shows an answer beside the map.
 *
 * @param {import("./types.js").Answer} answer as the service gave it
 * @param {import("./types.js").Position | null} truth where the photo was taken
 * @param {string | null} advice how to get confidences worth trusting from this map
 * @param {() => Promise<import("./types.js").Heat | null>} askHeat asks where the network looked in the photo
 * @returns {string} the sentence to read aloud
 */
export function showAnswer(answer, truth, advice, askHeat) {
  at("answer-body").dataset.status = answer.status;
  if (answer.candidates.length === 0) {
    const sentence = `No picture of the map ${answer.map.name} may be the answer.`;
    at("verdict").replaceChildren(problem("Nothing to compare with", sentence, ""));
    at("evidence").replaceChildren();
    return sentence;
  }
  at("verdict").replaceChildren(showVerdict(answer, truth, advice));
  at("evidence").replaceChildren(...[showMatches(answer, askHeat), showCandidates(answer, truth), raw(answer)].filter((each) => each !== null));
  return sayVerdict(answer, truth);
}

/**
 * Shows what went wrong.
 *
 * @param {import("./service.js").Failure} failure
 * @returns {string} the sentence to read aloud
 */
export function showFailure(failure) {
  delete at("answer-body").dataset.status;
  at("verdict").replaceChildren(problem(failure.title, failure.message, failure.requestId));
  at("evidence").replaceChildren();
  return `${failure.title}. ${failure.message}`;
}

/** Shows that nothing is asked. */
export function showUnanswered() {
  delete at("answer-body").dataset.status;
  at("verdict").replaceChildren(unanswered.cloneNode(true));
  at("evidence").replaceChildren();
}

function problem(title, detail, requestId) {
  return make(
    "div",
    { class: "problem" },
    make("h3", {}, title),
    make("p", {}, detail),
    requestId === "" ? null : make("p", {}, `Request ${requestId}`),
  );
}

function raw(answer) {
  const text = JSON.stringify(answer, null, 2).replace(/\[[-\d.,\se]+\]/g, (numbers) => numbers.replace(/\s+/g, " ")); // a list of them in a line
  return make("details", { class: "raw" }, make("summary", {}, "The answer as JSON"), make("pre", { tabindex: 0 }, text));
}
