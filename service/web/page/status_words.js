// How the page for operators writes quantities.

import { writeMilliseconds } from "./geo.js";

const SPANS = [["day", 86400], ["hour", 3600], ["minute", 60]];
const BYTES = ["B", "kB", "MB", "GB", "TB"];

/**
 * As "3 days", "1 hour" or "less than a minute".
 *
 * @param {number} seconds
 */
export function writeSpan(seconds) {
  for (const [name, length] of SPANS) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${name}${count === 1 ? "" : "s"}`;
  }
  return "less than a minute";
}

/**
 * As "1,234".
 *
 * @param {number} count
 */
export function writeCount(count) {
  return Math.round(count).toLocaleString("en");
}

/**
 * As "1 picture" or "12 pictures".
 *
 * @param {number} count
 * @param {string} word for one
 */
export function writeNumberOf(count, word) {
  return `${writeCount(count)} ${word}${count === 1 ? "" : "s"}`;
}

/**
 * Writes a number of events in a minute, as "0", "0.4" or "31".
 *
 * @param {number | null} perMinute
 */
export function writeRate(perMinute) {
  if (perMinute === null) return "–";
  return perMinute > 0 && perMinute < 9.95 ? perMinute.toFixed(1) : writeCount(perMinute);
}

/**
 * Writes a quantile of a histogram, as "31 ms"; "off the scale" beyond its last bucket.
 *
 * @param {number | null} seconds
 */
export function writeSeconds(seconds) {
  if (seconds === null) return "–";
  return seconds === Infinity ? "off the scale" : writeMilliseconds(1000 * seconds);
}

/**
 * As "3.4 MB".
 *
 * @param {number} bytes
 */
export function writeBytes(bytes) {
  const power = bytes < 1 ? 0 : Math.min(BYTES.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 9.95 && power > 0 ? value.toFixed(1) : Math.round(value)} ${BYTES[power]}`;
}

/**
 * As "2027-01-05 09:30", by the visitor's clock.
 *
 * @param {Date} date
 */
export function writeMoment(date) {
  const two = (number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
