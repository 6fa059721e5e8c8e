// Where the labels of a plan go: beside their marks, and on top of as little else as can be.

const LETTER = 6.6; // width of a character, in the plan's units
const HEIGHT = 12;
const CLEAR = 9; // of a mark's middle, that no label should come nearer

/**
 * Chooses a place for each label, in their order.
 *
 * @param labels {at: {x, y}, text}, the most important first
 * @param marks {x, y} of everything that should stay visible
 * @returns for each label the middle {x, y} of its text
 */
export function placeLabels(labels, marks) {
  const taken = [];
  return labels.map(({ at, text }) => {
    const half = (text.length * LETTER) / 2;
    const sides = [
      { x: at.x, y: at.y + 16 },
      { x: at.x, y: at.y - 16 },
      { x: at.x + 11 + half, y: at.y },
      { x: at.x - 11 - half, y: at.y },
    ].map((middle) => ({ ...middle, half }));
    const best = sides.reduce((a, b) => (crowding(b, marks, taken) < crowding(a, marks, taken) ? b : a));
    taken.push(best);
    return { x: best.x, y: best.y };
  });
}

function crowding(box, marks, taken) {
  const covered = marks.filter((mark) => gap(box, mark, 0) < CLEAR).length;
  const overlapped = taken.filter((other) => gap(box, other, other.half) < 2 && Math.abs(box.y - other.y) < HEIGHT).length;
  return covered + 2 * overlapped;
}

/** Between a label and a point, or a box of a given half width. */
function gap(box, other, half) {
  const across = Math.max(0, Math.abs(box.x - other.x) - box.half - half);
  const along = Math.max(0, Math.abs(box.y - other.y) - HEIGHT / 2);
  return half > 0 ? across : Math.hypot(across, along);
}
