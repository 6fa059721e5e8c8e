// A plan of the candidates, north up: which of them lie at one place, and which elsewhere.

import { draw } from "./elements.js";
import { RIGHT_WITHIN_M, distanceM, offsetM, writeDistance } from "./geo.js";
import { placeLabels } from "./labels.js";

const WIDTH = 320;
const HEIGHT = 270;
const MARGIN = 48;
const BEYOND = 400; // the grid goes on where the card is wider or higher than the plan
const TOGETHER = 13; // nearer than this in the plan, markers become one
const SMALLEST_M = 40; // that the plan shows, from edge to edge
const VISIBLE = 12; // radius in the plan below which a circle would hide behind the mark of the best
const AROUND = 5; // radii around the best that the plan shows then

/**
 * Draws the plan.
 *
 * @param candidates of an answer, best first; at least one
 * @param truth where the photo was taken, or null
 * @param radiusM how far off the best candidate's position may be, or null
 */
export function drawPlot(candidates, truth, radiusM) {
  const { shown, place } = chooseExtent(candidates, truth, radiusM ?? 0);
  const groups = grouped(shown, place);
  const svg = draw(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": describe(candidates, truth, radiusM) },
    ...gridLines(),
  );
  if (radiusM !== null) svg.append(reach(place(candidates[0]), radiusM, place.pixelsPerM));
  if (truth !== null) svg.append(...truthMarks(truth, place));
  const labels = placeLabels(groups.map((group) => ({ at: group.at, text: labelOf(group) })), marksOf(groups, place));
  const spots = groups.map((group, number) => spot(group, labels[number], place));
  svg.append(...spots.reverse()); // the best lies on top
  svg.append(...scaleBar(place.pixelsPerM), ...northArrow());
  const farther = candidates.length - shown.length;
  if (farther > 0) svg.append(draw("text", { class: "farther", x: 14, y: 22 }, `${farther} farther away`));
  return svg;
}

/** All candidates, or those around the best where the circle around it would be too small to see otherwise. */
function chooseExtent(candidates, truth, radiusM) {
  const best = candidates[0];
  const extra = truth === null ? [] : [truth];
  const whole = projection([...candidates, ...extra], best, radiusM);
  const nearM = Math.max(AROUND * radiusM, SMALLEST_M);
  const isLost = radiusM > 0 && radiusM * whole.pixelsPerM < VISIBLE;
  if (!isLost || extra.some((each) => distanceM(each, best) > nearM)) return { shown: candidates, place: whole };
  const shown = candidates.filter((each) => distanceM(each, best) <= nearM);
  return { shown, place: projection([...shown, ...extra], best, radiusM) };
}

function projection(positions, origin, radiusM) {
  const corners = [{ east: -radiusM, north: -radiusM }, { east: radiusM, north: radiusM }];
  const offsets = [...positions.map((position) => offsetM(origin, position)), ...corners];
  const [east, north] = [span(offsets.map((each) => each.east)), span(offsets.map((each) => each.north))];
  const pixelsPerM = Math.min(
    (WIDTH - 2 * MARGIN) / Math.max(east.size, SMALLEST_M),
    (HEIGHT - 2 * MARGIN) / Math.max(north.size, SMALLEST_M),
  );
  const place = (position) => {
    const offset = offsetM(origin, position);
    return {
      x: WIDTH / 2 + (offset.east - east.middle) * pixelsPerM,
      y: (HEIGHT - 16) / 2 - (offset.north - north.middle) * pixelsPerM,
    };
  };
  place.pixelsPerM = pixelsPerM;
  return place;
}

function span(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return { size: high - low, middle: (low + high) / 2 };
}

function grouped(candidates, place) {
  const groups = [];
  for (const candidate of candidates) {
    const at = place(candidate);
    const near = groups.find((group) => Math.hypot(group.at.x - at.x, group.at.y - at.y) < TOGETHER);
    if (near === undefined) groups.push({ at, members: [candidate] });
    else near.members.push(candidate);
  }
  return groups;
}

function spot(group, labelAt, place) {
  const { at, members } = group;
  const isBest = members[0].rank === 1;
  const ranks = members.map((each) => each.rank);
  const marks = draw("g", { class: `spot${isBest ? " best" : ""}`, "data-ranks": ranks.join(" ") });
  marks.append(draw("title", {}, `Rank ${ranks.join(", ")}`));
  for (const member of members) marks.append(view(member, place(member), isBest ? 17 : 14));
  marks.append(
    draw("circle", { cx: at.x, cy: at.y, r: isBest ? 6.5 : 4.5 }),
    draw("text", { x: labelAt.x, y: labelAt.y + 4, "text-anchor": "middle" }, labelOf(group)),
  );
  return marks;
}

function labelOf({ members }) {
  const ranks = members.map((each) => each.rank);
  return ranks.length > 4 ? `${ranks.slice(0, 3).join(", ")}, …` : ranks.join(", ");
}

/** What a label should leave free: all marks, and the ends of the lines of sight. */
function marksOf(groups, place) {
  const candidates = groups.flatMap((group) => group.members).filter((each) => each.heading_deg !== null);
  return [...groups.map((group) => group.at), ...candidates.map((each) => sight(each, place(each), 12))];
}

/** A line to where the camera looked. */
function view(candidate, at, length) {
  if (candidate.heading_deg === null) return draw("g");
  const end = sight(candidate, at, length);
  return draw("line", { class: "view", x1: at.x, y1: at.y, x2: end.x, y2: end.y });
}

function sight(candidate, at, length) {
  const angle = (candidate.heading_deg * Math.PI) / 180;
  return { x: at.x + length * Math.sin(angle), y: at.y - length * Math.cos(angle) };
}

/** The circle that holds the truth of nearly all answers of like confidence. */
function reach({ x, y }, radiusM, pixelsPerM) {
  const title = draw("title", {}, `Within ${writeDistance(Math.ceil(radiusM))} of the position`);
  return draw("circle", { class: "reach", cx: x, cy: y, r: radiusM * pixelsPerM }, title);
}

function truthMarks(truth, place) {
  const { x, y } = place(truth);
  const radius = RIGHT_WITHIN_M * place.pixelsPerM;
  return [
    draw("circle", { class: "allowed", cx: x, cy: y, r: radius }, draw("title", {}, `Within ${RIGHT_WITHIN_M} m of where it was taken`)),
    ring(x, y),
    ring(WIDTH - 92, HEIGHT - 18),
    draw("text", { x: WIDTH - 76, y: HEIGHT - 14 }, "true place"),
  ];
}

function ring(x, y) {
  return draw("circle", { class: "true-spot", cx: x, cy: y, r: 9.5 }, draw("title", {}, "Where it was taken"));
}

function gridLines() {
  const lines = [];
  const [left, right, top, bottom] = [-BEYOND, WIDTH + BEYOND, -BEYOND, HEIGHT + BEYOND];
  for (let x = left; x <= right; x += 40) lines.push(draw("line", { class: "grid", x1: x, y1: top, x2: x, y2: bottom }));
  for (let y = top; y <= bottom; y += 40) lines.push(draw("line", { class: "grid", x1: left, y1: y, x2: right, y2: y }));
  return lines;
}

function scaleBar(pixelsPerM) {
  const most = 90 / pixelsPerM;
  const power = 10 ** Math.floor(Math.log10(most));
  const metres = [5, 2, 1].map((digit) => digit * power).find((each) => each <= most);
  const [x, y] = [14, HEIGHT - 14];
  const length = metres * pixelsPerM;
  return [
    draw("path", { class: "scale", d: `M${x} ${y - 5}v5h${length}v-5` }),
    draw("text", { x: x + length + 8, y }, writeDistance(metres)),
  ];
}

function northArrow() {
  const x = WIDTH - 18;
  return [draw("path", { class: "scale", d: `M${x} 36V15m-4 6l4-6 4 6` }), draw("text", { x, y: 49, "text-anchor": "middle" }, "N")];
}

function describe(candidates, truth, radiusM) {
  const near = candidates.filter((each) => distanceM(each, candidates[0]) <= RIGHT_WITHIN_M).length;
  const circle = radiusM === null ? "" : `, with a circle of ${writeDistance(Math.ceil(radiusM))} around it`;
  const start = `Plan of ${candidates.length} candidates; ${near} within ${RIGHT_WITHIN_M} m of the best${circle}`;
  return truth === null ? start : `${start}; the best is ${writeDistance(distanceM(candidates[0], truth))} from where the photo was taken`;
}
