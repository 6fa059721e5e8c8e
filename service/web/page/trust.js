// How far an answer can be trusted, in words that need no statistics.

import { distanceM, writeDistance } from "./geo.js";

const NEARLY_AS_WELL = 0.6; // share of the best candidate's matches

const HEADLINES = {
  localized: "Found here",
  uncertain: "Perhaps here",
  not_found: "Not in this map",
  uncalibrated: "Best match",
};

/** The path of each status's sign, 24 wide and high. */
export const SIGNS = {
  localized: "M5 12.5l4.5 4.5L19 7.5",
  uncertain: "M8.6 9.2a3.4 3.4 0 1 1 5.2 2.9c-1.2.8-1.8 1.4-1.8 2.7M12 18.6v.2",
  not_found: "M6.2 6.2l11.6 11.6M12 3.8a8.2 8.2 0 1 0 0 16.4a8.2 8.2 0 1 0 0-16.4",
  uncalibrated: "M12 20.5s-6.3-6.2-6.3-11a6.3 6.3 0 0 1 12.6 0c0 4.8-6.3 11-6.3 11zM12 9.4v.2",
};

/**
 * Says how sure an answer is, and why it is not surer.
 *
 * @param {import("./types.js").Answer} answer with at least one candidate
 * @returns {headline, sentence, why}: why is empty where the sentence says it all
 */
export function trustOf(answer) {
  const headline = HEADLINES[answer.status] ?? answer.status; // more may come
  if (answer.confidence === null) {
    return { headline, sentence: "This map cannot say how sure it is.", why: "" };
  }
  const sentence = `${rightOfHundred(answer.confidence)} right.`;
  return { headline, sentence, why: answer.status === "localized" ? "" : whyNot(answer) };
}

/**
 * As "95 of 100 answers like this".
 *
 * @param {number} share in [0, 1]
 */
export function ofHundred(share) {
  return `${Math.round(100 * share)} of 100 answers like this`;
}

function rightOfHundred(confidence) {
  if (confidence > 0.995) return "More than 99 of 100 answers like this are";
  if (confidence < 0.005) return "Fewer than 1 of 100 answers like this is";
  const count = Math.round(100 * confidence);
  return `${count} of 100 answers like this ${count === 1 ? "is" : "are"}`;
}

function whyNot({ status, evidence: { compared, matches, rival_matches: rival, score, rival_score: rivalScore }, candidates }) {
  if (status === "not_found") return "Too little speaks for any picture of the map.";
  if (compared === 0) return "The photo was compared as a whole only, not part by part.";
  if (matches === null) {
    if (rivalScore >= NEARLY_AS_WELL * score) return `${rivalPlace(rivalScore, candidates)} matches nearly as well.`;
    return "Parts match, but too few to be sure.";
  }
  if (rival >= NEARLY_AS_WELL * matches) return `${rivalPlace(rival, candidates)} matches nearly as well: in ${rival} parts against ${matches}.`;
  return `${matches} parts match, and ${rival} match another place: too few to be sure.`;
}

/** The evidence does not name the rival. If several candidates have that score, it is the farthest one. */
function rivalPlace(score, [best, ...others]) {
  const distances = others.filter((each) => (each.mutual_matches ?? each.score) === score).map((each) => distanceM(each, best));
  return distances.length === 0 ? "Another place" : `A place ${writeDistance(Math.max(...distances))} away`;
}
