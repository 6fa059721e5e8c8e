// Brings the table of many photos onto the page, with its styles, once somebody wants it.

import { Desk } from "./desk.js";

/**
 * Opens it.
 *
 * @param {import("./desk.js").Surroundings} surroundings
 * @returns {Promise<Desk>}
 */
export async function openDesk(surroundings) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL("work.css", import.meta.url).href;
  await new Promise((resolve, reject) => {
    style.addEventListener("load", resolve);
    style.addEventListener("error", () => reject(new Error(`${style.href} did not come`)));
    document.head.append(style);
  });
  return new Desk(surroundings);
}
