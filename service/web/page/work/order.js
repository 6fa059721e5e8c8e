// Which rows of the table are shown, in which order.

/** @typedef {import("../types.js").Task} Task */

const WORDS = {
  waiting: "waiting",
  asking: "asking",
  localized: "found",
  uncertain: "perhaps",
  uncalibrated: "best match",
  not_found: "not in the map",
  no_candidates: "no candidates",
  failed: "failed",
  cancelled: "given up",
};
const STATUSES = Object.keys(WORDS);

/** The keys that sort rows. Rows without a value stand at the end. @type {Record<string, (task: Task) => any>} */
const KEYS = {
  added: ({ number }) => number,
  name: ({ name }) => name,
  status: ({ status }) => STATUSES.indexOf(status),
  place: ({ answer }) => answer?.position?.latitude ?? null,
  confidence: ({ answer }) => answer?.confidence ?? null,
  radius: ({ answer }) => answer?.accuracy?.radius_m ?? null,
  time: ({ answer }) => answer?.timings_ms.total ?? null,
};
const byName = new Intl.Collator("en", { numeric: true }).compare;

/**
 * A status in words.
 *
 * @param {string} status
 */
export function wordOf(status) {
  return WORDS[status] ?? status.replaceAll("_", " "); // more may come
}

/**
 * @param {Task[]} tasks
 * @returns {string[]} the statuses that occur, in a fixed order
 */
export function statusesOf(tasks) {
  const found = new Set(tasks.map(({ status }) => status));
  return [...STATUSES.filter((each) => found.has(each)), ...[...found].filter((each) => !STATUSES.includes(each))];
}

/**
 * Returns the rows to show.
 *
 * @param {Task[]} tasks
 * @param {{sort: string | null, status: string | null}} wanted a column, with "-" in front for the other direction; and
 *   the status of the rows
 */
export function arrange(tasks, { sort, status }) {
  const column = (sort ?? "").replace(/^-/, "");
  const key = KEYS[column] ?? KEYS.added;
  const direction = sort?.startsWith("-") ? -1 : 1;
  const compare = (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left === null || right === null) return (left === null) - (right === null) || a.number - b.number;
    return direction * (typeof left === "string" ? byName(left, right) : left - right) || a.number - b.number;
  };
  return tasks.filter((each) => status === null || each.status === status).sort(compare);
}
