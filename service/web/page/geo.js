// Distances on the Earth, and how they and other quantities are written.

const EARTH_RADIUS_M = 6371008.8;
const POINTS = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];

/** An answer counts as right within this distance, as in the evaluations of the field. */
export const RIGHT_WITHIN_M = 25;

/**
 * Metres between two positions, along a great circle.
 *
 * @param {import("./types.js").Position} a
 * @param {import("./types.js").Position} b
 */
export function distanceM(a, b) {
  const [phiA, phiB] = [radians(a.latitude), radians(b.latitude)];
  const lambda = radians(b.longitude - a.longitude);
  const h = Math.sin((phiB - phiA) / 2) ** 2 + Math.cos(phiA) * Math.cos(phiB) * Math.sin(lambda / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(Math.min(1, h)));
}

/**
 * As "7 m" or "1.3 km".
 *
 * @param {number} metres
 */
export function writeDistance(metres) {
  if (metres < 1000) return `${Math.round(metres)} m`;
  return `${(metres / 1000).toFixed(metres < 100000 ? 1 : 0)} km`;
}

/**
 * As "NW 312°".
 *
 * @param {number} degrees clockwise from north
 */
export function writeHeading(degrees) {
  return `${POINTS[Math.round(degrees / 45) % 8]} ${Math.round(degrees) % 360}°`;
}

/**
 * As "48.87695° S".
 *
 * @param {number} degrees
 * @param {string} positive the word or letter of degrees above 0
 * @param {string} negative and below
 */
export function writeDegrees(degrees, positive, negative) {
  return `${Math.abs(degrees).toFixed(5)}° ${degrees < 0 ? negative : positive}`;
}

/**
 * As "31 ms" or "1.2 s".
 *
 * @param {number} milliseconds
 */
export function writeMilliseconds(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

function radians(degrees) {
  return (degrees * Math.PI) / 180;
}
