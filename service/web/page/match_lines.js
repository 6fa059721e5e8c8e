// Lines between the cells of two pictures that match: which ones are drawn, where, and in which colour.

import { draw } from "./elements.js";

/** How many lines are drawn unless all are asked for: more hide the pictures. */
export const FEW_LINES = 60;

const COLOURS = [[108, 190, 255], [255, 224, 102], [255, 118, 46]]; // from the least similar pair to the most similar

/**
 * @typedef {object} Line a pair of cells that match
 * @property {{x: number, y: number}} from fractions of the photo's width and height
 * @property {{x: number, y: number}} to the same for the candidate
 * @property {number} similarity
 */

/**
 * Returns the pairs that the answer tells of a candidate, the most similar first.
 *
 * @param {import("./types.js").MatchedCandidate} matched
 * @param {import("./types.js").CellGrid} grid
 * @returns {Line[]}
 */
export function linesOf(matched, grid) {
  const place = (cell) => ({ x: grid.x[cell % grid.columns], y: grid.y[Math.floor(cell / grid.columns)] });
  return matched.similarities.map((similarity, number) => ({
    from: place(matched.query_cells[number]),
    to: place(matched.candidate_cells[number]),
    similarity,
  }));
}

/**
 * Chooses lines that lie evenly over the photo: each next one begins farthest from those that were chosen before.
 *
 * @param {Line[]} lines
 * @param {number} most
 * @returns {Line[]} in their order
 */
export function spreadOut(lines, most) {
  if (lines.length <= most) return lines;
  const chosen = new Set([0]);
  const apart = lines.map(() => Infinity);
  let latest = 0;
  while (chosen.size < most) {
    lines.forEach(({ from }, number) => {
      const distance = Math.hypot(from.x - lines[latest].from.x, from.y - lines[latest].from.y);
      apart[number] = Math.min(apart[number], distance);
    });
    latest = apart.indexOf(Math.max(...apart));
    apart[latest] = -1; // a cell stands in one pair alone, but two may be equally far
    chosen.add(latest);
  }
  return lines.filter((_, number) => chosen.has(number));
}

/**
 * Returns the colour of a similarity.
 *
 * @param {number} similarity
 * @param {[number, number]} range the least and the highest that are shown
 */
export function colourOf(similarity, [least, most]) {
  const place = most > least ? ((similarity - least) / (most - least)) * (COLOURS.length - 1) : COLOURS.length - 1;
  const start = Math.min(Math.max(0, Math.floor(place)), COLOURS.length - 2);
  const mixed = COLOURS[start].map((value, channel) => Math.round(value + (COLOURS[start + 1][channel] - value) * (place - start)));
  return `rgb(${mixed.join(" ")})`;
}

/**
 * Draws lines from one picture to another into an SVG element that lies over both.
 *
 * @param {SVGElement} svg
 * @param {Line[]} lines the last ones lie on top
 * @param {[DOMRect, DOMRect]} pictures the boxes of the photo and of the candidate
 * @param {[number, number]} range the least and the greatest similarity
 */
export function drawLines(svg, lines, [photo, candidate], range) {
  const box = svg.getBoundingClientRect();
  const within = (picture, { x, y }) => [picture.left - box.left + x * picture.width, picture.top - box.top + y * picture.height];
  const ends = lines.map(({ from, to }) => [within(photo, from), within(candidate, to)]);
  const path = ([[x, y], [otherX, otherY]]) => `M${x.toFixed(1)} ${y.toFixed(1)}L${otherX.toFixed(1)} ${otherY.toFixed(1)}`;
  svg.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
  svg.replaceChildren(
    draw("path", { class: "line-edge", d: ends.map(path).join("") }),
    ...lines.map(({ similarity }, number) => {
      const colour = colourOf(similarity, range);
      const dots = ends[number].map(([x, y]) => draw("circle", { cx: x.toFixed(1), cy: y.toFixed(1), r: 3, fill: colour }));
      return draw("g", { class: "line" }, draw("path", { d: path(ends[number]), stroke: colour }), ...dots);
    }),
  );
}
