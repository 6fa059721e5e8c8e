// Shows a question, and what came of it: the photo, the answer beside it and on the map, or why there is none.

import { showAnswer, showFailure, showUnanswered } from "./answer.js";
import { at } from "./elements.js";
import { showFile, showPicture } from "./pictures.js";

/**
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Query} Query
 * @typedef {import("./stage.js").Stage} Stage
 * @typedef {{answer: Answer | null, failure: import("./service.js").Failure | null}} Outcome neither while it is waited for
 */

/** @type {Blob | string | null} the photo that is shown */
let photo = null;

/** @param {Query} query */
export function showQuery({ name, file, sample }) {
  at("preview-caption").textContent = name;
  at("preview").hidden = false;
  if (photo === (file ?? sample.url)) return;
  photo = file ?? sample.url;
  const image = at("preview-picture");
  image.hidden = false;
  image.onerror = () => (image.hidden = true); // no picture, or of a format that browsers do not show
  if (file === null) showPicture(image, sample.url);
  else showFile(image, file);
}

/**
 * Shows what came of a question.
 *
 * @param {Query} query
 * @param {Outcome} outcome
 * @param {Stage} stage
 * @param {string | null} advice how to get confidences worth trusting from the map
 */
export function showOutcome(query, { answer, failure, askHeat }, stage, advice) {
  showWorking(answer === null && failure === null);
  if (answer !== null) at("spoken").textContent = showAnswer(answer, query.truth, advice, askHeat);
  else if (failure !== null) at("spoken").textContent = showFailure(failure);
  if (answer !== null && answer.candidates.length > 0) stage.showAnswer(answer, query.truth);
  else if (answer !== null || failure !== null) stage.clearAnswer();
}

/**
 * Nothing is asked: also after going back to where nothing was.
 *
 * @param {import("./stage.js").Stage} stage
 */
export function showUnasked(stage) {
  photo = null;
  at("preview").hidden = true;
  showUnanswered();
  showWorking(false);
  stage.clearAnswer();
}

/** @param {boolean} isWorking whether an answer is waited for */
export function showWorking(isWorking) {
  at("answer").classList.toggle("working", isWorking);
  at("answer").setAttribute("aria-busy", String(isWorking));
}

/** On a narrow screen the answer stands below the photo. */
export function bringIntoView() {
  if (at("answer").getBoundingClientRect().top > window.innerHeight * 0.7) at("answer").scrollIntoView({ behavior: "smooth" });
}
