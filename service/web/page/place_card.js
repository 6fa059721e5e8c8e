// A picture of the map that somebody pointed at: what it shows, when, and what it is called.

import { make } from "./elements.js";
import { writeHeading } from "./geo.js";
import { showPicture } from "./pictures.js";
import { thumbnailUrl } from "./service.js";

/** @typedef {import("./plan_places.js").Feature} Feature */

/**
 * Shows pictures one at a time.
 *
 * @param {HTMLElement} box
 * @param {Feature[]} pictures at least one
 * @param {string} mapName
 * @param {{onAsk: (picture: Feature) => void, onClose: () => void}} listeners
 */
export function showPlace(box, pictures, mapName, { onAsk, onClose }) {
  const before = document.activeElement;
  let at = 0;
  const close = () => {
    closePlace(box);
    if (before instanceof HTMLElement && before.isConnected) before.focus();
    onClose();
  };
  const step = (by) => {
    at = (at + by + pictures.length) % pictures.length;
    fill();
  };
  const shut = button("Close", "close", "✕", close);
  const ask = make("button", { type: "button", class: "ask" }, "Ask with this one");
  ask.addEventListener("click", () => onAsk(pictures[at]));
  const body = make("div", { class: "place-body", "aria-live": "polite" });
  const fill = () => body.replaceChildren(...describe(pictures[at], mapName, ask));
  const steps =
    pictures.length === 1
      ? null
      : make("div", { class: "steps" }, button("The picture before", "", "‹", () => step(-1)), button("The next picture", "", "›", () => step(1)));
  box.onkeydown = (event) => {
    if (event.key === "Escape") close();
  };
  box.replaceChildren(make("div", { class: "place-head" }, make("strong", {}, title(pictures)), steps, shut), body, ask);
  fill();
  box.hidden = false;
  shut.focus({ preventScroll: true });
}

/**
 * Hides the picture.
 *
 * @param {HTMLElement} box
 */
export function closePlace(box) {
  box.hidden = true;
  box.replaceChildren();
}

/**
 * As "2026-01-11 00:11:44 UTC" or, without a known time zone, "2026-01-11 00:11:44".
 *
 * @param {string} time ISO 8601
 */
export function writeTime(time) {
  const [, date, clock, zone] = /^(\S+)T([\d:]+)(?:\.\d+)?(.*)$/.exec(time) ?? [null, time, "", ""];
  return `${date} ${clock}${zone === "" ? "" : ` ${zone === "Z" || zone === "+00:00" ? "UTC" : zone}`}`;
}

function title(pictures) {
  return pictures.length === 1 ? "Picture of the map" : `${pictures.length} pictures here`;
}

function describe({ properties: { id, time, headings_deg: headings } }, mapName, ask) {
  const image = make("img", { alt: `Picture ${id} of the map`, decoding: "async" });
  ask.hidden = false;
  image.addEventListener("error", () => {
    ask.hidden = true;
    image.replaceWith(make("p", { class: "lacking" }, "no picture kept"));
  });
  showPicture(image, thumbnailUrl(mapName, id));
  const facts = [
    ["taken", time === null ? "unknown" : writeTime(time)],
    ["looking", headings.length === 0 ? "unknown" : writeHeading(headings[0])],
    ["id", id],
  ];
  return [image, make("dl", {}, ...facts.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, text))))];
}

function button(label, className, text, act) {
  const made = make("button", { type: "button", class: className, "aria-label": label, title: label }, text);
  made.addEventListener("click", act);
  return made;
}
