// The figures of the service: answers by status, seconds by stage, the queue, and what went wrong.

import { make } from "./elements.js";
import { quantileOf, seriesOf, valueOf } from "./prometheus.js";
import { writeCount, writeNumberOf, writeRate, writeSeconds, writeSpan } from "./status_words.js";

/** @typedef {import("./prometheus.js").Reading} Reading */

/**
 * @typedef {object} Figures
 * @property {Reading} shown since the start, or of the last minutes
 * @property {Reading} now
 * @property {Reading | null} recent the figures of the last minutes; null after the first reading
 * @property {number} minutes that `recent` covers
 */

const REQUEST = ["placefix_request_duration_seconds", { route: "/localize" }];
const UPLOAD = ["placefix_upload_duration_seconds", {}];
const STAGE = "placefix_stage_duration_seconds";
const PROBLEMS = [
  ["placefix_image_errors_total", "code", "picture refused"],
  ["placefix_rejected_total", "reason", "request refused"],
  ["placefix_dropped_total", "reason", "dropped from the queue"],
];

/** How many answers had which status. @param {Figures} figures */
export function showAnswers({ shown, recent, minutes }) {
  const name = "placefix_answers_total";
  const all = valueOf(shown, name) ?? 0;
  if (all === 0) return [nothing("No questions yet.")];
  const rows = seriesOf(shown, name).map(({ labels: { status }, value }) => {
    const rate = recent === null ? null : valueOf(recent, name, { status }) / minutes;
    return row(bar(status.replace("_", " "), value / all, `tone-${status}`), writeCount(value), `${Math.round((100 * value) / all)} %`, writeRate(rate));
  });
  return [table(["Status", "Answers", "Share", "A minute"], rows)];
}

/** How long the stages took. @param {Figures} figures */
export function showStages({ shown }) {
  const stages = seriesOf(shown, `${STAGE}_count`).map(({ labels: { stage } }) => [stage, STAGE, { stage }, `stage-${stage}`]);
  const all = [["whole request", ...REQUEST, "whole"], ["upload", ...UPLOAD, "stage-other"], ...stages];
  const known = all
    .map(([label, name, labels, tone]) => ({ label, tone, count: valueOf(shown, `${name}_count`, labels), quantiles: [0.5, 0.95].map((share) => quantileOf(shown, name, share, labels)) }))
    .filter(({ count }) => count > 0);
  if (known.length === 0) return [nothing("No questions yet.")];
  const longest = Math.max(...known.map(({ quantiles: [, high] }) => high).filter(Number.isFinite), 0.001);
  const rows = known.map(({ label, tone, quantiles: [half, high] }) => row(bar(label, Math.min(1, high / longest), tone), writeSeconds(half), writeSeconds(high)));
  return [table(["Stage", "Half within", "95 % within"], rows)];
}

/** Shows how many pictures and questions wait, and how many may. @param {Figures} figures */
export function showQueue({ now, shown }) {
  const batches = valueOf(shown, "placefix_batch_size_count") ?? 0;
  const facts = [
    ["Encoded together", batches === 0 ? "nothing yet" : `${(valueOf(shown, "placefix_batch_size_sum") / batches).toFixed(1)} on average, ${writeNumberOf(valueOf(now, "placefix_batch_size_limit") ?? 0, "picture")} at most`],
    ["The network last worked", `${writeSpan(valueOf(now, "placefix_since_forward_seconds") ?? 0)} ago`],
    ["Open files and connections", `${writeCount(valueOf(now, "process_open_fds") ?? 0)} of ${writeCount(valueOf(now, "process_max_fds") ?? 0)}`],
  ];
  return [
    meter("Waiting for the device", valueOf(now, "placefix_queue_depth"), valueOf(now, "placefix_queue_limit"), "picture"),
    meter("Being answered", valueOf(now, "placefix_in_flight_requests"), valueOf(now, "placefix_in_flight_limit"), "question"),
    make("dl", { class: "facts" }, ...facts.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text)))),
  ];
}

/** Shows refusals and failures, by their codes. @param {Figures} figures */
export function showProblems({ shown, recent, minutes }) {
  const ofCodes = PROBLEMS.flatMap(([name, label, what]) =>
    seriesOf(shown, name).map(({ labels, value }) => ({ code: labels[label], what, value, name, labels })),
  );
  const failures = seriesOf(shown, "placefix_requests_total")
    .filter(({ labels: { status, route } }) => status.startsWith("5") && route !== "/health/ready") // not ready at each start
    .map(({ labels, value }) => ({ code: labels.status, what: `answer of ${labels.route}`, value, name: "placefix_requests_total", labels }));
  const swaps = seriesOf(shown, "placefix_map_swaps_total", { outcome: "failed" })
    .map(({ labels, value }) => ({ code: labels.map, what: "version that could not be served", value, name: "placefix_map_swaps_total", labels }));
  const found = [...ofCodes, ...failures, ...swaps].filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  if (found.length === 0) return [nothing("Nothing went wrong.")];
  const rows = found.map(({ code, what, value, name, labels }) => {
    const rate = recent === null ? null : (valueOf(recent, name, labels) ?? 0) / minutes;
    return row(make("span", {}, make("code", {}, code), make("small", {}, what)), writeCount(value), writeRate(rate));
  });
  return [table(["Code", "Times", "A minute"], rows)];
}

function nothing(text) {
  return make("p", { class: "nothing" }, text);
}

function table(heads, rows) {
  const cells = heads.map((text, number) => make("th", { scope: "col", class: number === 0 ? null : "number" }, text));
  return make("table", {}, make("thead", {}, make("tr", {}, ...cells)), make("tbody", {}, ...rows));
}

function row(head, ...texts) {
  return make("tr", {}, make("th", { scope: "row" }, head), ...texts.map((text) => make("td", { class: "number" }, text)));
}

function bar(text, share, tone) {
  const filled = make("span", { class: tone });
  filled.style.width = `${100 * share}%`;
  return make("span", { class: "barred" }, text, make("span", { class: "bar", "aria-hidden": "true" }, filled));
}

function meter(label, value, limit, word) {
  if (value === null) return nothing(`${label}: unknown`);
  const text = limit === null ? writeNumberOf(value, word) : `${writeCount(value)} of ${writeNumberOf(limit, word)}`;
  const filled = make("span");
  filled.style.width = `${limit ? Math.min(100, (100 * value) / limit) : 0}%`;
  const attributes = { role: "meter", "aria-label": label, "aria-valuemin": 0, "aria-valuenow": value, "aria-valuemax": limit, "aria-valuetext": text };
  return make("div", { class: "gauge" }, make("p", {}, label, make("strong", {}, text)), make("div", { class: "meter", ...attributes }, filled));
}
