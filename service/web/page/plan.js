// The map on the page: Leaflet over a grid of metres, without WebGL.

import { drawGrid } from "./plan_grid.js";
import { loadLeaflet } from "./load_leaflet.js";

const FINEST_SNAP = 0.25; // steps of the zoom without tiles; tiles look best at whole steps

/** @typedef {import("./types.js").Plan} Plan */

/**
 * Opens the map in an element.
 *
 * @param {HTMLElement} container
 * @param {{hasTiles: boolean}} options
 * @returns {Promise<Plan>} rejected if Leaflet does not come
 */
export async function openPlan(container, { hasTiles }) {
  const L = await loadLeaflet();
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(container, {
    attributionControl: false,
    zoomControl: false,
    scrollWheelZoom: false,
    minZoom: 1,
    maxZoom: 22,
    zoomSnap: hasTiles ? 1 : FINEST_SNAP,
    worldCopyJump: true,
    fadeAnimation: !isStill,
    zoomAnimation: !isStill,
    markerZoomAnimation: !isStill,
    inertia: !isStill,
  }).setView([0, 0], 1);
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);
  container.setAttribute("role", "region");
  container.setAttribute("aria-label", "Map. Arrow keys move it, plus and minus zoom.");
  map.getPane("overlayPane").setAttribute("aria-hidden", "true"); // drawings repeat marks and lists
  const plan = { L, map, isStill };
  drawGrid(plan);
  zoomByWheelWhileFocused(plan, container);
  new ResizeObserver(() => map.invalidateSize({ pan: false })).observe(container);
  return plan;
}

/**
 * Moves the view to a box.
 *
 * @param {Plan} plan
 * @param {any} bounds bounds as Leaflet makes them
 * @param {{maxZoom?: number, isStill?: boolean}} [options]
 */
export function fit({ map, isStill }, bounds, options = {}) {
  map.invalidateSize({ pan: false }); // the column beside the map may just have changed its width
  map.fitBounds(bounds, { padding: [44, 44], maxZoom: 20, ...options, animate: !(options.isStill ?? isStill) });
}

/**
 * Calls after the visitor has moved the map, and not after the page has.
 *
 * @param {Plan} plan
 * @param {(middle: {lat: number, lng: number}, zoom: number) => void} listener
 */
export function onOwnMoves({ map }, listener) {
  let isOwn = false;
  const begin = () => (isOwn = true);
  map.on("dragstart", begin);
  const container = map.getContainer();
  container.addEventListener("wheel", begin, { passive: true });
  container.addEventListener("keydown", ({ key }) => (key.startsWith("Arrow") || key === "+" || key === "-") && begin());
  map.on("moveend", () => {
    if (isOwn) listener(map.getCenter(), map.getZoom());
    isOwn = false;
  });
}

/** A wheel over the map scrolls the page until somebody has turned to the map. */
function zoomByWheelWhileFocused({ map }, container) {
  container.addEventListener("focusin", () => map.scrollWheelZoom.enable());
  container.addEventListener("focusout", () => map.scrollWheelZoom.disable());
}
