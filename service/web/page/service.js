// Talks to the service, with the same requests that anybody can send.

import { keyHeaders } from "./key.js";

/** What went wrong, in words for people. */
export class Failure extends Error {
  constructor(title, detail, { code = "", requestId = "" } = {}) {
    super(detail);
    this.title = title;
    this.code = code;
    this.requestId = requestId;
  }
}

/** What runs, or a Failure with the code not_ready. */
export async function fetchReadiness() {
  return (await request("health/ready")).json();
}

/** The pictures to ask with. */
export async function fetchSamples() {
  return (await (await request("samples")).json()).samples;
}

/** A sample's picture, as it is. */
export async function fetchPicture(url, signal) {
  return (await request(url, { signal })).blob();
}

/** The answer to a picture. */
export async function localize(picture, mapName, signal) {
  const query = mapName === null ? "" : `?map=${encodeURIComponent(mapName)}`;
  const headers = { "Content-Type": "application/octet-stream" };
  return (await request(`localize${query}`, { method: "POST", body: picture, headers, signal })).json();
}

/** What the page may do here: {may_browse, why_candidates_alone, basemap}. */
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

/** Where the picture of a candidate is. */
export function thumbnailUrl(mapName, placeId) {
  const path = placeId.split("/").map(encodeURIComponent).join("/");
  return `maps/${encodeURIComponent(mapName)}/places/${path}/thumbnail`;
}

/** The answer to a request, with the visitor's key; a Failure if it is no success. */
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
  const requestId = response.headers.get("X-Request-Id") ?? "";
  try {
    const problem = await response.json();
    return new Failure(problem.title, sentence(problem.detail), { code: problem.code, requestId });
  } catch {
    return new Failure("The service could not answer", `It said ${response.status} and nothing more.`, { requestId });
  }
}

function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(start) ? start : `${start}.`;
}
