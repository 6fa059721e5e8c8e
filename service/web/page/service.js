// Talks to the service, with the same requests that anybody can send.

import { keyHeaders } from "./key.js";

/** An error, in words for people. */
export class Failure extends Error {
  /**
   * @param {string} title
   * @param {string} detail
   * @param {{code?: string, requestId?: string, status?: number, retryAfterS?: number | null}} [facts] status of HTTP, if
   *   there was an answer; seconds after which it is worth asking again, if the service says so
   */
  constructor(title, detail, { code = "", requestId = "", status = 0, retryAfterS = null } = {}) {
    super(sentence(detail));
    this.title = title;
    this.detail = detail;
    this.code = code;
    this.requestId = requestId;
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** Returns the answer of /health/ready, or throws a Failure with the code not_ready. */
export async function fetchReadiness() {
  return (await request("health/ready")).json();
}

/** The pictures to ask with. */
export async function fetchSamples() {
  return (await (await request("samples")).json()).samples;
}

/**
 * A sample's picture, as it is.
 *
 * @param {string} url
 * @param {AbortSignal} [signal]
 */
export async function fetchPicture(url, signal) {
  return (await request(url, { signal })).blob();
}

/**
 * The answer to a photo, or to several that belong together.
 *
 * @param {Blob[]} photos
 * @param {Record<string, string | number | null>} parameters as in docs/http.md; null ones are not sent
 * @param {AbortSignal} [signal]
 * @returns {Promise<import("./types.js").Answer>}
 */
export async function localize(photos, parameters, signal) {
  const said = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null));
  const form = new FormData();
  if (photos.length > 1) for (const photo of photos) form.append("image", photo, "photo"); // the service need not know its name
  const body = photos.length > 1 ? form : photos[0];
  const headers = photos.length > 1 ? {} : { "Content-Type": "application/octet-stream" };
  return (await request(said.size === 0 ? "localize" : `localize?${said}`, { method: "POST", body, headers, signal })).json();
}

/** Returns the options of the page: {may_browse, why_candidates_alone, basemap, most_photos, most_requests}. */
export async function fetchOptions() {
  return (await request("page/options")).json();
}

/**
 * The pictures of a map, in cells.
 *
 * @param {string} mapName
 * @param {number[] | null} bbox west, south, east and north; null for the whole map
 * @param {number} zoom
 * @param {AbortSignal} [signal]
 * @returns {Promise<{bbox?: number[], features: any[]}>} GeoJSON
 */
export async function fetchPlaces(mapName, bbox, zoom, signal) {
  const box = bbox === null ? "" : `bbox=${bbox.map((each) => each.toFixed(8)).join(",")}&`;
  return (await request(`maps/${encodeURIComponent(mapName)}/places?${box}zoom=${zoom}`, { signal })).json();
}

/**
 * Where the picture of a candidate is.
 *
 * @param {string} mapName
 * @param {string} placeId
 */
export function thumbnailUrl(mapName, placeId) {
  const path = placeId.split("/").map(encodeURIComponent).join("/");
  return `maps/${encodeURIComponent(mapName)}/places/${path}/thumbnail`;
}

/**
 * Returns the answer to a request with the visitor's key; throws a Failure unless it succeeds.
 *
 * @param {string} url
 * @param {RequestInit} [options]
 */
export async function request(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { ...options, headers: { ...options.headers, ...keyHeaders() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The service cannot be reached", "It may have been stopped, or the connection is gone. Try again.", {
      code: "unreachable",
    });
  }
  if (!response.ok) throw await failureOf(response);
  return response;
}

async function failureOf(response) {
  const facts = {
    requestId: response.headers.get("X-Request-Id") ?? "",
    status: response.status,
    retryAfterS: secondsOf(response.headers.get("Retry-After")),
  };
  try {
    const problem = await response.json();
    return new Failure(problem.title, problem.detail, { code: problem.code, ...facts });
  } catch {
    return new Failure("The service could not answer", `It said ${response.status} and nothing more.`, facts);
  }
}

/** Seconds from now on of a Retry-After, which says seconds or an instant; null if it says nothing. */
function secondsOf(text) {
  if (text === null) return null;
  const seconds = /^\d+$/.test(text.trim()) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
