// The prior on where photos were taken: a circle, which the address keeps.

import { readAddress, writeAddress } from "../address.js";

export const USUAL_M = 500; // as the service has it where nothing is said
export const LEAST_M = 1;
export const MOST_M = 100_000; // as the service has it

/** @typedef {import("../types.js").Prior} Prior */

const listeners = [];

/**
 * Returns the prior of the address.
 *
 * @returns {Prior | null} null if it says none, or none that makes sense
 */
export function readPrior() {
  const address = readAddress();
  const near = (address.get("near") ?? "").split(",");
  const [latitude, longitude] = near.map((text) => (text.trim() === "" ? NaN : Number(text)));
  return priorOf(latitude, longitude, Number(address.get("within_m") ?? USUAL_M));
}

/**
 * Returns a prior.
 *
 * @param {number} latitude
 * @param {number} longitude
 * @param {number} withinM
 * @returns {Prior | null} null if a number is none, or out of its range
 */
export function priorOf(latitude, longitude, withinM) {
  const isPlace = Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180;
  return isPlace && withinM >= LEAST_M && withinM <= MOST_M ? { latitude, longitude, within_m: withinM } : null;
}

/**
 * Keeps a prior, and tells those who wait for that.
 *
 * @param {Prior | null} prior
 */
export function writePrior(prior) {
  const near = prior === null ? null : `${round(prior.latitude)},${round(prior.longitude)}`;
  writeAddress({ near, within_m: prior === null ? null : String(Math.round(prior.within_m)) });
  for (const listener of listeners) listener(readPrior());
}

/**
 * Calls when the prior has changed.
 *
 * @param {(prior: Prior | null) => void} listener
 */
export function onPrior(listener) {
  listeners.push(listener);
}

/**
 * The parameters of a question that say a prior: null says nothing.
 *
 * @param {Prior | null} prior
 */
export function parametersOf(prior) {
  if (prior === null) return { near: null, within_m: null };
  return { near: `${round(prior.latitude)},${round(prior.longitude)}`, within_m: prior.within_m };
}

function round(degrees) {
  return String(Number(degrees.toFixed(6)));
}
