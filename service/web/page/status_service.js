// The requests of the page for operators; anybody with the keys can send them.

import { parseMetrics } from "./prometheus.js";
import { request } from "./service.js";

/**
 * @typedef {object} Version a version of a map that is on the disk
 * @property {string} version
 * @property {number} pictures
 * @property {string} change the change that made it from the version before
 * @property {string} created_at ISO 8601
 * @property {number} own_bytes
 * @property {boolean} is_current
 * @property {boolean} is_served
 *
 * @typedef {object} ServedMap a map with its versions, the oldest first
 * @property {string} name
 * @property {string} version that is served
 * @property {number} pictures
 * @property {boolean} is_damaged
 * @property {{family: string}} network
 * @property {string | null} reranker null without local features
 * @property {string | null} weights_licence null if the weights had no known name
 * @property {{version: string, within_m: number, questions: number} | null} calibration
 * @property {string | null} calibration_advice
 * @property {Version[]} versions
 *
 * @typedef {object} Reading one reading of the metrics
 * @property {import("./prometheus.js").Reading} values
 * @property {number} serverS when the service answered, in seconds since 1970 by its own clock
 * @property {number} atS the same, in seconds since this page was opened
 */

/** @returns {Promise<Reading>} */
export async function fetchMetrics() {
  const response = await request("metrics");
  const date = Date.parse(response.headers.get("Date") ?? "");
  const serverS = (Number.isNaN(date) ? Date.now() : date) / 1000;
  return { values: parseMetrics(await response.text()), serverS, atS: performance.now() / 1000 };
}

/** The maps that are served, in short. */
export async function fetchMapList() {
  return (await (await request("maps")).json()).maps;
}

/**
 * @param {string} name
 * @returns {Promise<ServedMap>}
 */
export async function fetchMap(name) {
  const path = `maps/${encodeURIComponent(name)}`;
  const [detail, { versions }] = await Promise.all([path, `${path}/versions`].map(async (each) => (await request(each)).json()));
  return { ...detail, versions };
}

/**
 * Has a version served, if the one that the visitor saw is served still.
 *
 * @param {string} name
 * @param {string} version
 * @param {string} expectedVersion
 */
export async function activate(name, version, expectedVersion) {
  const body = JSON.stringify({ version, expected_version: expectedVersion });
  const options = { method: "POST", body, headers: { "Content-Type": "application/json" } };
  return (await request(`maps/${encodeURIComponent(name)}/activate`, options)).json();
}
