// Keep in the address of the page the things that it shows: #map=…&sample=…, so that a link leads here again.

/**
 * Returns the question that the address states; addresses of earlier releases have it behind a question mark.
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
  showWrong("");
}

/**
 * Shows a sentence about the address; none where it is empty.
 *
 * @param {string} sentence
 */
export function showWrong(sentence) {
  const box = document.getElementById("address-wrong");
  box.textContent = sentence;
  box.hidden = sentence === "";
}

/**
 * Says what of an address leads nowhere.
 *
 * @param {URLSearchParams} address
 * @param {string[]} mapNames that are served
 * @param {string[] | null} sampleIds that are offered; null if that is not known
 * @returns {string} empty where all of it leads somewhere
 */
export function wrongIn(address, mapNames, sampleIds) {
  const [map, sample, view, place] = ["map", "sample", "view", "place"].map((name) => address.get(name));
  const said = [];
  if (map !== null && !mapNames.includes(map)) said.push(`The map ${map} is not served here; ${mapNames[0]} is shown.`);
  if (sample !== null && sampleIds?.includes(sample) === false) said.push(`There is no sample ${sample}.`);
  if (view !== null && numbersIn(view, [90, 180, 22]).length === 0) said.push("A view is a latitude, a longitude and a zoom: view=48.8586,-123.4,19.");
  if (place !== null && numbersIn(place, [90, 180]).length === 0) said.push("A place is a latitude and a longitude: place=48.8586,-123.4.");
  return said.length === 0 ? "" : `The address of this page: ${said.join(" ")}`;
}

/**
 * Reads numbers with commas between them.
 *
 * @param {string | null} text
 * @param {number[]} limits that each of them is within, to both sides
 * @returns {number[]} none unless they are as many as the limits, and within
 */
export function numbersIn(text, limits) {
  const parts = (text ?? "").split(",");
  const values = parts.map(Number);
  const areGood = parts.length === limits.length && values.every((each, at) => parts[at].trim() !== "" && Math.abs(each) <= limits[at]);
  return areGood ? values : [];
}

/**
 * Calls when the visitor goes back or forth, or edits the address.
 *
 * @param {() => void} listener
 */
export function onAddress(listener) {
  window.addEventListener("popstate", listener);
}
