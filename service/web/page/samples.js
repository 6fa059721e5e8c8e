// The strip of sample queries: one stop of the Tab key, arrows inside.

import { make } from "./elements.js";
import { showPicture } from "./pictures.js";

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * Fills the list; calls `onPick` with the sample that is picked.
 *
 * @param {HTMLElement} list
 * @param {import("./types.js").Sample[]} samples
 * @param {(sample: import("./types.js").Sample) => void} onPick
 */
export function showSamples(list, samples, onPick) {
  list.replaceChildren(...samples.map((sample, number) => make("li", {}, button(sample, number, onPick))));
  list.addEventListener("keydown", (event) => {
    const buttons = [...list.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    const target = { Home: 0, End: buttons.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? NaN);
    if (at < 0 || !(target in buttons)) return;
    event.preventDefault();
    focusOnly(buttons, buttons[target]);
    buttons[target].focus();
  });
}

/**
 * Marks the sample that is asked about; none for null.
 *
 * @param {HTMLElement} list
 * @param {string | null} sampleId
 */
export function markSample(list, sampleId) {
  const buttons = [...list.querySelectorAll("button")];
  for (const each of buttons) each.setAttribute("aria-pressed", String(each.dataset.id === sampleId));
  const picked = buttons.find((each) => each.dataset.id === sampleId);
  if (picked !== undefined) focusOnly(buttons, picked);
}

function button(sample, number, onPick) {
  const image = make("img", { alt: "", loading: "lazy", decoding: "async" });
  showPicture(image, sample.url);
  const label = `Sample ${number + 1}${sample.condition === null ? "" : `, ${sample.condition}`}`;
  const made = make(
    "button",
    { type: "button", class: "sample", "aria-label": label, "aria-pressed": "false", tabindex: number === 0 ? 0 : -1, title: sample.id },
    image,
    sample.condition === null ? null : make("span", {}, sample.condition),
  );
  made.dataset.id = sample.id;
  made.addEventListener("click", () => onPick(sample));
  return made;
}

function focusOnly(buttons, chosen) {
  for (const each of buttons) each.tabIndex = each === chosen ? 0 : -1;
}
