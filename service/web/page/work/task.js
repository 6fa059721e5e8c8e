// A question of the table: about one photo, or about several that belong together.

import { make } from "../elements.js";

const CHOICES = { "": "each by itself", place: "one place together", sequence: "a sequence together" };

/**
 * Makes a question that nothing has come of yet.
 *
 * @param {{name: string, file: File}[]} photos
 * @param {Record<string, string | number | null>} question
 * @returns {import("../types.js").Task}
 */
export function makeTask(photos, question) {
  const names = photos.map(({ name }) => name);
  return { number: 0, name: names.join(" + "), names, photos: photos.map(({ file }) => file), question, status: null, answer: null, failure: null };
}

/**
 * Makes the choice how photos that are given next belong together.
 *
 * @param {(together: string | null) => void} onChange
 * @returns {{element: HTMLElement, set: (together: string | null) => void}}
 */
export function togetherChoice(onChange) {
  const select = make("select", { id: "together" }, ...Object.entries(CHOICES).map(([value, label]) => make("option", { value }, label)));
  select.addEventListener("change", () => onChange(select.value === "" ? null : select.value));
  const element = make("label", { class: "together" }, "Ask about new photos ", select);
  return { element, set: (together) => (select.value = together in CHOICES ? together : "") };
}
