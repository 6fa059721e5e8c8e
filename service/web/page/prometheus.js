// Reads Prometheus' text format: values by name and labels, the difference between two readings, and quantiles of histograms.

/**
 * @typedef {{labels: Record<string, string>, value: number}} Series
 * @typedef {Map<string, Map<string, Series>>} Reading series by name, and by their labels as they are written
 */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/g;
const ESCAPES = { "\\n": "\n", "\\\\": "\\", '\\"': '"' };
const GROWING = /_(total|bucket|sum|count)$/;

/**
 * Reads a text.
 *
 * @param {string} text as GET /metrics answers
 * @returns {Reading}
 */
export function parseMetrics(text) {
  const reading = new Map();
  for (const line of text.split("\n")) {
    const [, name, labels = "", number] = (line.startsWith("#") ? null : LINE.exec(line)) ?? [];
    if (name === undefined) continue;
    if (!reading.has(name)) reading.set(name, new Map());
    reading.get(name).set(labels, { labels: parseLabels(labels), value: parseNumber(number) });
  }
  return reading;
}

/**
 * Returns the difference between two readings: counters and histograms by how much they grew, other values as they are now.
 *
 * @param {Reading} now
 * @param {Reading} before
 * @returns {Reading} a counter that is smaller than before has begun anew, so all of it came since
 */
export function difference(now, before) {
  const changes = new Map();
  for (const [name, series] of now) {
    const grown = [...series].map(([key, { labels, value }]) => {
      const old = GROWING.test(name) ? (before.get(name)?.get(key)?.value ?? 0) : 0;
      return [key, { labels, value: value < old ? value : value - old }];
    });
    changes.set(name, new Map(grown));
  }
  return changes;
}

/**
 * Returns the series of a name whose labels have the given values.
 *
 * @param {Reading} reading
 * @param {string} name
 * @param {Record<string, string>} [wanted]
 * @returns {Series[]}
 */
export function seriesOf(reading, name, wanted = {}) {
  const all = [...(reading.get(name)?.values() ?? [])];
  return all.filter(({ labels }) => Object.entries(wanted).every(([label, value]) => labels[label] === value));
}

/**
 * Returns the sum of the series of a name; null if there is none.
 *
 * @param {Reading} reading
 * @param {string} name
 * @param {Record<string, string>} [wanted]
 */
export function valueOf(reading, name, wanted = {}) {
  const found = seriesOf(reading, name, wanted);
  return found.length === 0 ? null : found.reduce((sum, { value }) => sum + value, 0);
}

/**
 * Estimates a quantile of a histogram, as histogram_quantile() of Prometheus does: linearly within a bucket.
 *
 * @param {Reading} reading
 * @param {string} name without _bucket
 * @param {number} share the share of observations that are not above it, in (0, 1)
 * @param {Record<string, string>} [wanted]
 * @returns {number | null} null without observations; Infinity beyond the last bucket that has an end
 */
export function quantileOf(reading, name, share, wanted = {}) {
  const buckets = seriesOf(reading, `${name}_bucket`, wanted)
    .map(({ labels, value }) => ({ end: parseNumber(labels.le), count: value }))
    .sort((a, b) => a.end - b.end);
  const all = buckets.at(-1)?.count ?? 0;
  if (all === 0) return null;
  const rank = share * all;
  const at = buckets.findIndex(({ count }) => count >= rank);
  const { end, count } = buckets[at];
  if (end === Infinity) return Infinity;
  const [start, below] = at === 0 ? [0, 0] : [buckets[at - 1].end, buckets[at - 1].count];
  return start + ((end - start) * (rank - below)) / (count - below);
}

function parseLabels(text) {
  const found = [...text.matchAll(LABEL)].map(([, name, value]) => [name, value.replace(/\\[n\\"]/g, (each) => ESCAPES[each])]);
  return Object.fromEntries(found);
}

function parseNumber(text) {
  return text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);
}
