// Whether the service is ready, and its answer of itself.

import { at, make } from "./elements.js";
import { Failure, fetchReadiness } from "./service.js";

const ASK_AGAIN_MS = 1500;

/**
 * Asks until the service is ready, and shows how it is meanwhile.
 *
 * @returns {Promise<any>} its answer
 */
export async function waitUntilReady() {
  for (;;) {
    try {
      const ready = await fetchReadiness();
      describe(ready);
      return ready;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const isAway = error.code === "unreachable";
      show(isAway ? "Cannot be reached" : "Getting ready…", isAway ? "away" : "");
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

function describe({ maps, device, network }) {
  const pictures = maps.reduce((sum, each) => sum + each.pictures, 0).toLocaleString("en");
  const where = maps.length === 1 ? `map ${maps[0].name}` : `${maps.length} maps`;
  show(`${where} · ${pictures} pictures · ${device.startsWith("cuda") ? "GPU" : "CPU"}`, "ready");
  if (!network.is_trained) {
    at("notice").textContent =
      "The network behind this service is not trained for places: it shows that everything works, not how well places are found.";
    at("notice").hidden = false;
  }
  if (maps.length > 1) {
    at("map").replaceChildren(...maps.map(({ name }) => make("option", { value: name }, name)));
    at("other-map").append(...maps.map(({ name }) => make("option", { value: name }, name)));
    at("map-choice").hidden = false;
  }
}

function show(text, state) {
  at("service").textContent = text;
  at("service").className = `service ${state}`;
}
