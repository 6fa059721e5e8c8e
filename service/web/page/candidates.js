// The candidates: each picture of the map with its evidence.

import { draw, make, sign } from "./elements.js";
import { RIGHT_WITHIN_M, distanceM, writeDistance, writeHeading } from "./geo.js";
import { showPicture } from "./pictures.js";
import { thumbnailUrl } from "./service.js";

/**
 * Makes the list of candidates.
 *
 * @param {import("./types.js").Answer} answer with at least one candidate
 * @param {import("./types.js").Position | null} truth where the photo was taken, or null
 */
export function showCandidates(answer, truth) {
  const mostMatches = Math.max(1, ...answer.candidates.map((each) => each.mutual_matches ?? 0));
  const cards = answer.candidates.map((each) => card(each, answer, truth, mostMatches));
  return make(
    "div",
    {},
    make(
      "div",
      { class: "candidates-head" },
      make("h2", {}, answer.position === null ? "The most similar pictures" : "Candidates"),
      make("p", {}, orderOf(answer)),
    ),
    make("ol", { class: "candidates" }, ...cards),
  );
}

function orderOf({ candidates, evidence }) {
  if (evidence.compared === 0) return "in the order of overall likeness; no parts were compared";
  if (evidence.compared >= candidates.length) return "in the order of their matching parts";
  return `the first ${evidence.compared} in the order of their matching parts, the rest by overall likeness`;
}

function card(candidate, answer, truth, mostMatches) {
  const best = answer.candidates[0];
  const isNear = truth !== null && distanceM(candidate, truth) <= RIGHT_WITHIN_M;
  const away = candidate.rank === 1 ? (answer.position === null ? "Most alike" : "Best") : `${writeDistance(distanceM(candidate, best))} away`;
  const made = make(
    "li",
    { class: `candidate card${candidate.rank === 1 ? " best" : ""}`, "data-rank": candidate.rank, title: candidate.id },
    make(
      "div",
      { class: "picture" },
      picture(candidate, answer.map.name),
      make("span", { class: "rank" }, make("span", { class: "unseen" }, "Rank "), String(candidate.rank)),
      heading(candidate.heading_deg),
      isNear ? sign(true, { class: "near" }) : null,
      isNear ? make("span", { class: "unseen" }, `Within ${RIGHT_WITHIN_M} m of where the photo was taken`) : null,
    ),
    make(
      "div",
      { class: "facts" },
      make("div", { class: "row" }, make("strong", { title: "Distance from the best candidate" }, away)),
      ...matches(candidate.mutual_matches, mostMatches),
      score(candidate),
      make(
        "div",
        { class: "row quiet", title: "Distance of the global features: 0 is the same, 2 is the most" },
        make("span", {}, "distance"),
        make("span", {}, candidate.global_distance.toFixed(3)),
      ),
    ),
  );
  return made;
}

function picture(candidate, mapName) {
  const image = make("img", { alt: `Picture ${candidate.id} of the map`, decoding: "async" });
  image.addEventListener("error", () => image.replaceWith(make("span", { class: "lacking" }, "no picture kept")));
  showPicture(image, thumbnailUrl(mapName, candidate.id));
  return image;
}

function heading(degrees) {
  if (degrees === null) return null;
  const arrow = draw(
    "svg",
    { viewBox: "0 0 24 24", "aria-hidden": "true" },
    draw("path", { d: "M12 2l7 19-7-4-7 4z", transform: `rotate(${degrees} 12 12)` }),
  );
  return make("span", { class: "heading", title: "Where the camera looked" }, arrow, writeHeading(degrees));
}

/** A score that does not count matches says nothing by itself, so it has no bar. */
function score({ mutual_matches: count, score: value }) {
  if (count !== null || value == null) return null;
  return make("div", { class: "row quiet" }, make("span", {}, "score"), make("strong", {}, value.toPrecision(3)));
}

function matches(count, most) {
  if (count === null) return [];
  const filled = make("span");
  filled.style.width = `${(100 * count) / most}%`;
  return [
    make("div", { class: "row quiet" }, make("span", {}, "matches"), make("strong", {}, count.toLocaleString("en"))),
    make("div", { class: "bar", "aria-hidden": "true" }, filled),
  ];
}
