// Facts about the service: whether it is ready, since when, its release, device and network.

import { at, make } from "./elements.js";
import { seriesOf, valueOf } from "./prometheus.js";
import { writeBytes, writeMoment, writeSpan } from "./status_words.js";

const SHOWN_OF_FINGERPRINT = 12;

/**
 * Shows whether the service is ready.
 *
 * @param {{value?: any, failure?: import("./service.js").Failure}} ready the answer of /health/ready
 */
export function showState({ failure }) {
  const [text, state] = failure === undefined ? ["Ready", "ready"] : failure.code === "unreachable" ? ["Cannot be reached", "away"] : ["Not ready", ""];
  if (at("service").textContent !== text) at("service").textContent = text;
  at("service").className = `service ${state}`;
  at("notice").hidden = failure === undefined;
  at("notice").textContent = failure?.message ?? "";
}

/**
 * Shows what runs, as far as it is known.
 *
 * @param {any} ready the answer of /health/ready, or null
 * @param {import("./status_service.js").Reading | null} reading the last one
 */
export function showFacts(ready, reading) {
  const facts = [...(reading === null ? [] : ofMetrics(reading)), ...(ready === null ? [] : ofReadiness(ready))];
  at("facts").hidden = facts.length === 0;
  at("facts").replaceChildren(...facts.map(([name, text, more]) => make("div", {}, make("dt", {}, name), make("dd", { title: more }, text))));
}

function ofMetrics({ values, serverS }) {
  const startS = valueOf(values, "process_start_time_seconds");
  const memory = valueOf(values, "process_resident_memory_bytes");
  const [build] = seriesOf(values, "placefix_build_info");
  return [
    ["Release", build?.labels.version ?? "unknown", null],
    ...(startS === null ? [] : [["Up for", writeSpan(serverS - startS), `since ${writeMoment(new Date(1000 * startS))}`]]),
    ...(memory === null ? [] : [["Memory", writeBytes(memory), null]]),
    ...(valueOf(values, "placefix_keys_stale") === 1 ? [["Keys", "file cannot be used", "The keys read before stay valid; the log says why."]] : []),
  ];
}

function ofReadiness({ device, device_reason: why, encoding, network, maps }) {
  return [
    ["Device", device, why],
    ["Network", `${network.family}${network.is_trained ? "" : ", not trained"}`, network.fingerprint.slice(0, SHOWN_OF_FINGERPRINT)],
    ["Encodes in", encoding, null],
    ...(maps.length === 0 ? [] : [["Searches by", maps[0].searcher, null], ["Matches by", maps[0].matcher, null]]),
  ];
}
