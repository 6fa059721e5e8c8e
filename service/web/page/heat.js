// Where the network looked: the photo, dark where it weighed little when similar pictures were looked for.

const DARKEST = 190; // opacity (of 255) where the network did not look
const BRIGHT_SHARE = 0.93; // this share of the parts is less than fully bright: one hot part must not leave all others dark
const GAMMA = 0.6; // lifts the middle

/**
 * Makes a veil to lay over the photo, with a pixel for each part; the browser smooths it.
 *
 * @param {{rows: number, columns: number, values: number[]}} heat the heat of the answer
 * @returns {HTMLCanvasElement}
 */
export function veilOf({ rows, columns, values }) {
  const veil = document.createElement("canvas");
  [veil.width, veil.height] = [columns, rows];
  veil.className = "veil";
  const context = veil.getContext("2d");
  const pixels = context.createImageData(columns, rows);
  const most = values.toSorted((a, b) => a - b)[Math.floor(BRIGHT_SHARE * values.length)];
  values.forEach((value, number) => (pixels.data[4 * number + 3] = Math.round(DARKEST * (1 - Math.min(1, value / most) ** GAMMA))));
  context.putImageData(pixels, 0, 0);
  return veil;
}
