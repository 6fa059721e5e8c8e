// The quiet ground of the map: a grid whose lines are a round number of metres apart, drawn by the style sheet.

const EQUATOR_M = 40075016.686;
const TILE = 256;
const NEAREST = 64; // pixels between two lines at least

/**
 * Draws the grid, and keeps it on the ground while the map moves.
 *
 * @param {import("./types.js").Plan} plan
 */
export function drawGrid({ map }) {
  const style = map.getContainer().style;
  let anchor = map.getCenter(); // a crossing of two lines
  const place = () => {
    const { x, y } = map.latLngToContainerPoint(anchor);
    style.setProperty("--grid-x", `${x}px`);
    style.setProperty("--grid-y", `${y}px`);
  };
  const rule = () => {
    anchor = map.getCenter();
    const metresPerPixel = (EQUATOR_M * Math.cos((anchor.lat * Math.PI) / 180)) / (TILE * 2 ** map.getZoom());
    style.setProperty("--grid-step", `${roundUp(NEAREST * metresPerPixel) / metresPerPixel}px`);
    place();
  };
  map.on("zoomend viewreset", rule);
  map.on("move resize", place);
  rule();
}

/** The next of 1, 2, 5, 10, 20, … */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((digit) => digit * power).find((each) => each >= value * 0.999) ?? 10 * power;
}
