// The outcome of a question, as a row of a file: the columns and values that `placefix localize --out` writes.

import { writeFixed, writeGeneral } from "./numbers.js";

/** The columns in their order, and whether each holds fractional numbers. */
export const COLUMNS = {
  photo: false,
  status: false,
  latitude: true,
  longitude: true,
  confidence: true,
  radius_m: true,
  recognised_in: false,
  mutual_matches: false,
  map: false,
  map_version: false,
  gps_processing_method: false,
  request_id: false,
  error: false,
  reason: false,
};

/**
 * Makes the row.
 *
 * @param {import("../types.js").Task} task with an answer, or with a failure
 * @returns {Record<string, string | number | null>} null where nothing is known
 */
export function recordOf(task) {
  const known = task.answer === null ? ofFailure(task) : ofAnswer(task.answer);
  const all = { ...known, photo: task.name, status: task.status };
  return Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, all[name] ?? null]));
}

function ofFailure({ name, failure: { code, detail } }) {
  const reason = [name, "the file"].reduce((said, each) => (said.startsWith(`${each} `) ? said.slice(each.length + 1) : said), detail);
  return { error: code, reason };
}

function ofAnswer(answer) {
  const [best] = answer.candidates;
  return {
    latitude: answer.position?.latitude,
    longitude: answer.position?.longitude,
    confidence: answer.confidence,
    radius_m: answer.accuracy?.radius_m,
    recognised_in: best?.id,
    mutual_matches: best?.mutual_matches,
    map: answer.map.name,
    map_version: answer.map.version,
    gps_processing_method: answer.position === null ? null : methodOf(answer),
    request_id: answer.request_id,
  };
}

/** How a position was found, as `GPSProcessingMethod` of EXIF has it. */
function methodOf({ map, status, confidence, accuracy }) {
  const facts = {
    map: quote(map.name),
    version: quote(map.version),
    status,
    confidence: confidence === null ? null : writeFixed(confidence, 4),
    radius_m: accuracy === null ? null : writeFixed(accuracy.radius_m, 1),
    level: accuracy === null ? null : writeGeneral(accuracy.level),
  };
  const said = Object.entries(facts).filter(([, value]) => value !== null);
  return `PLACEFIX estimate ${said.map(([name, value]) => `${name}=${value}`).join(" ")}`;
}

/** As `urllib.parse.quote` does. */
function quote(text) {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%2F", "/");
}
