// Numbers as Python writes them: so that files from the page and from the command line are the same.

const EXACT_DIGITS = 60; // hold every double of the sizes that occur

/**
 * Writes a number that is a float, as `repr` does: "55.0", "0.95".
 *
 * @param {number} value 0, or a number whose size is between 0.0001 and 1e16
 */
export function writeFloat(value) {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/**
 * Writes a number with some digits behind the point, as `format(value, ".2f")` does: what lies in the middle of two becomes
 * the even one.
 *
 * @param {number} value
 * @param {number} digits
 */
export function writeFixed(value, digits) {
  const exact = value.toFixed(EXACT_DIGITS);
  const cut = exact.length - EXACT_DIGITS + digits;
  const isMiddle = /^50*$/.test(exact.slice(cut));
  const below = exact.slice(0, cut).replace(/\.$/, "");
  return isMiddle && Number(below.at(-1)) % 2 === 0 ? below : value.toFixed(digits);
}

/**
 * Writes a number with at most six digits that count, as `format(value, "g")` does.
 *
 * @param {number} value
 */
export function writeGeneral(value) {
  return String(Number(value.toPrecision(6)));
}
