// Files of answers: CSV, GeoJSON, GPX, and JSON Lines with the whole answers, as `placefix localize --out` writes them.

import { writeFixed, writeFloat } from "./numbers.js";
import { COLUMNS, recordOf } from "./record.js";

/** @typedef {import("../types.js").Task} Task */

const NOT_IN_XML = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

/** How each kind of file is written, by its suffix. @type {Record<string, {label: string, type: string, write: (tasks: Task[]) => string}>} */
export const FILES = {
  csv: { label: "CSV", type: "text/csv", write: writeCsv },
  geojson: { label: "GeoJSON", type: "application/geo+json", write: writeGeoJson },
  gpx: { label: "GPX", type: "application/gpx+xml", write: writeGpx },
  jsonl: { label: "JSON Lines", type: "application/jsonl", write: writeJsonLines },
};

/**
 * Hands a file to the visitor.
 *
 * @param {string} name
 * @param {string} type
 * @param {string} text
 */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it after the click
}

function writeCsv(tasks) {
  const lines = tasks.map((task) => Object.entries(recordOf(task)).map(([name, value]) => cell(value, COLUMNS[name])));
  return [Object.keys(COLUMNS), ...lines].map((cells) => `${cells.join(",")}\r\n`).join("");
}

function cell(value, isFloat) {
  if (value === null) return "";
  const text = isFloat ? writeFloat(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function writeGeoJson(tasks) {
  const features = tasks.map((task) => {
    const { latitude, longitude, ...properties } = recordOf(task);
    const geometry = latitude === null ? null : { type: "Point", coordinates: [longitude, latitude] };
    return JSON.stringify({ type: "Feature", geometry, properties });
  });
  return `{"type": "FeatureCollection", "features": [\n${features.join(",\n")}\n]}\n`;
}

function writeGpx(tasks) {
  const points = tasks.filter((task) => task.answer?.position).map((task) => {
    const { latitude, longitude, photo, status } = recordOf(task);
    const facts = { name: photo, desc: describe(recordOf(task)), type: status };
    const lines = Object.entries(facts).map(([name, text]) => `    <${name}>${xmlText(text)}</${name}>\n`);
    return `  <wpt lat="${latitude}" lon="${longitude}">\n${lines.join("")}  </wpt>\n`;
  });
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="Placefix">\n';
  return `${head}${points.join("")}</gpx>\n`;
}

function describe({ status, confidence, radius_m: radiusM, map, map_version: version }) {
  const facts = [
    status,
    confidence === null ? null : `${writeFixed(100 * confidence, 1)}% sure`,
    radiusM === null ? null : `within ${writeFloat(radiusM)} m`,
    `map ${map}, version ${version}`,
  ];
  return facts.filter((each) => each !== null).join(", ");
}

function xmlText(text) {
  return text.replace(NOT_IN_XML, "\ufffd").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function writeJsonLines(tasks) {
  const lines = tasks.map(({ name, status, answer, failure }) => {
    const members = answer ?? { status, code: failure.code, reason: recordOf({ name, status, answer, failure }).reason };
    return JSON.stringify({ photo: name, ...members });
  });
  return lines.map((line) => `${line}\n`).join("");
}
