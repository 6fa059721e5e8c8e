// The pictures in view as a list: for keyboards, and for those who do not see the map.

import { make } from "./elements.js";
import { writeTime } from "./place_card.js";

const MOST = 60;

/**
 * Fills the list with the pictures nearest the middle of the view.
 *
 * @param {HTMLDetailsElement} box
 * @param {import("./plan_places.js").Feature[]} pictures that stand alone in the view
 * @param {{latitude: number, longitude: number}} middle
 * @param {(picture: import("./plan_places.js").Feature) => void} onPick
 */
export function listPlaces(box, pictures, middle, onPick) {
  const stretch = Math.cos((middle.latitude * Math.PI) / 180);
  const gap = ({ geometry: { coordinates } }) => Math.hypot((coordinates[0] - middle.longitude) * stretch, coordinates[1] - middle.latitude);
  const nearest = [...pictures].sort((a, b) => gap(a) - gap(b)).slice(0, MOST);
  const items = nearest.map((picture) => {
    const { id, time } = picture.properties;
    const button = make("button", { type: "button" }, id, time === null ? null : make("span", {}, writeTime(time)));
    button.addEventListener("click", () => onPick(picture));
    return make("li", {}, button);
  });
  const said = pictures.length === 0 ? "no single pictures in view; zoom in" : `${pictures.length.toLocaleString("en")} single pictures in view`;
  box.replaceChildren(make("summary", {}, `List: ${said}`), make("ul", {}, ...items));
}
