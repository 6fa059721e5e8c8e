// What the page shows, in its address: #map=…&sample=…, so that a link leads here again.

/**
 * Returns what the address says; addresses of earlier releases have it behind a question mark.
 *
 * @returns {URLSearchParams} with map, sample, place and view, as far as they are given
 */
export function readAddress() {
  return new URLSearchParams(location.hash.length > 1 ? location.hash.slice(1) : location.search);
}

/**
 * Changes the address.
 *
 * @param {Record<string, string | null>} changes null takes a name out
 * @param {{isStep?: boolean}} [options] whether "back" leads to the address before
 */
export function writeAddress(changes, { isStep = false } = {}) {
  const parameters = readAddress();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) parameters.delete(name);
    else parameters.set(name, value);
  }
  const text = parameters.toString();
  const url = text === "" ? location.pathname : `${location.pathname}#${text}`;
  if (isStep) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

/**
 * Calls when the visitor goes back or forth, or edits the address.
 *
 * @param {() => void} listener
 */
export function onAddress(listener) {
  window.addEventListener("popstate", listener);
}
