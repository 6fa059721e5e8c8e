// All pictures of a map, as far as they are in view: points with headings, cells of many, and the tracks by time.

import { Failure, fetchPlaces } from "./service.js";

const SETTLE_MS = 120; // after the view has moved
const AROUND = 0.25; // of the view, fetched beyond its edges
const SPREAD_DEG = 50;
const FINEST_ZOOM = 24; // where each picture stands alone
const FEW = 40; // pictures of a cell that are shown one by one

/**
 * @typedef {import("./types.js").Plan} Plan
 * @typedef {{type: string, bbox: number[], geometry: {type: string, coordinates: any}, properties: any}} Feature
 */

/** The layer of all pictures of a map. */
export class PlacesLayer {
  /**
   * @param {Plan} plan
   * @param {{onPick: (pictures: Feature[]) => void, onShown: (features: Feature[]) => void}} listeners
   */
  constructor(plan, { onPick, onShown }) {
    this.plan = plan;
    this.onPick = onPick;
    this.onShown = onShown;
    this.pane = plan.L.canvas({ padding: AROUND });
    this.ringPane = plan.L.svg();
    this.points = plan.L.featureGroup().addTo(plan.map);
    this.points.on("click", (event) => this.open(event.propagatedFrom.feature));
    /** @type {string | null} */
    this.mapName = null;
    this.features = [];
    plan.map.on("moveend", () => this.#refreshSoon());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /**
   * Shows the pictures of a map.
   *
   * @param {string} mapName
   * @returns {Promise<any>} Leaflet's box around all of them; null if there is none
   */
  async showMap(mapName) {
    this.mapName = mapName;
    const { bbox } = await fetchPlaces(mapName, null, 0);
    return bbox === undefined ? null : boundsOf(this.plan.L, bbox);
  }

  /** Shows a picture, or the content of a cell. */
  async open(feature) {
    const { map, L } = this.plan;
    const bounds = boundsOf(L, feature.bbox);
    const size = map.latLngToLayerPoint(bounds.getNorthEast()).distanceTo(map.latLngToLayerPoint(bounds.getSouthWest()));
    if (feature.properties.count > FEW && map.getZoom() < map.getMaxZoom() && size > 0.1) {
      map.fitBounds(bounds, { padding: [30, 30], animate: !this.plan.isStill });
      return;
    }
    this.onPick(await this.picturesIn(feature.bbox));
  }

  /**
   * Rings a picture, and moves it out from under the card.
   *
   * @param {Feature} picture
   * @param {DOMRect} card
   */
  ring({ geometry: { coordinates: [longitude, latitude] } }, card) {
    const { L, map, isStill } = this.plan;
    this.unring();
    const at = L.latLng(latitude, longitude);
    this.circle = L.circleMarker(at, { renderer: this.ringPane, radius: 11, className: "picked", interactive: false }).addTo(map);
    const isBelow = card.width > 0.7 * map.getSize().x;
    const padding = isBelow ? { paddingBottomRight: [70, card.height + 24] } : { paddingTopLeft: [card.width + 36, 24], paddingBottomRight: [76, 24] };
    map.panInside(at, { ...padding, animate: !isStill });
  }

  /** Takes the ring away. */
  unring() {
    this.circle?.remove();
  }

  /** @returns {Promise<Feature[]>} the pictures in a box, one by one */
  async picturesIn([west, south, east, north]) {
    const hair = 1e-7;
    const box = [west - hair, south - hair, east + hair, north + hair];
    const { features } = await fetchPlaces(this.mapName, box, FINEST_ZOOM);
    return features.filter((each) => each.properties.kind === "picture");
  }

  #refreshSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#refresh(), SETTLE_MS);
  }

  async #refresh() {
    if (this.mapName === null) return;
    this.coming?.abort();
    this.coming = new AbortController();
    const { map } = this.plan;
    try {
      const found = await fetchPlaces(this.mapName, boxOf(map.getBounds().pad(AROUND)), Math.round(map.getZoom()), this.coming.signal);
      this.features = found.features;
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Failure)) throw error;
      this.features = []; // the answer, if there is one, stays
    }
    this.#draw();
    this.onShown(this.features.filter((each) => each.properties.kind === "picture"));
  }

  #draw() {
    const { L } = this.plan;
    this.points.clearLayers();
    const style = getComputedStyle(this.plan.map.getContainer());
    const colour = style.getPropertyValue("--place").trim();
    const quiet = style.getPropertyValue("--quiet").trim();
    const shift = 360 * Math.round(this.plan.map.getCenter().lng / 360);
    for (const feature of this.features) {
      const { kind, count, headings_deg: headings } = feature.properties;
      if (kind === "tracks") {
        const lines = feature.geometry.coordinates.map((line) => line.map(([lon, lat]) => [lat, lon + shift]));
        this.points.addLayer(L.polyline(lines, { renderer: this.pane, color: quiet, weight: 1.2, opacity: 0.45, interactive: false }));
        continue;
      }
      const [lon, lat] = feature.geometry.coordinates;
      const at = L.latLng(lat, lon + shift);
      for (const heading of headings) this.points.addLayer(this.#wedge(at, heading, colour));
      const radius = count === 1 ? 3.2 : Math.min(9, 3.4 + 0.8 * Math.log2(count)); // cells are 16 pixels wide
      const point = L.circleMarker(at, { renderer: this.pane, radius, stroke: false, fillColor: colour, fillOpacity: count > 4 ? 0.5 : 0.85 });
      point.feature = feature;
      point.bindTooltip(() => tooltip(feature), { direction: "top", opacity: 1 });
      this.points.addLayer(point);
    }
  }

  #wedge(at, headingDeg, colour) {
    const { L, map } = this.plan;
    const middle = map.latLngToLayerPoint(at);
    const corners = [-0.5, 0, 0.5].map((part) => {
      const angle = ((headingDeg + part * SPREAD_DEG) * Math.PI) / 180;
      return map.layerPointToLatLng(middle.add([15 * Math.sin(angle), -15 * Math.cos(angle)]));
    });
    return L.polygon([at, ...corners], { renderer: this.pane, stroke: false, fillColor: colour, fillOpacity: 0.22, interactive: false });
  }
}

function tooltip({ properties: { count, id } }) {
  const text = document.createElement("span");
  text.textContent = count === 1 ? id : `${count.toLocaleString("en")} pictures`;
  return text;
}

function boundsOf(L, [west, south, east, north]) {
  return L.latLngBounds([south, west], [north, east < west ? east + 360 : east]);
}

/** As GeoJSON has boxes: west may be more than east, across the date line. */
function boxOf(bounds) {
  const [south, north] = [Math.max(-90, bounds.getSouth()), Math.min(90, bounds.getNorth())];
  if (bounds.getEast() - bounds.getWest() >= 360) return [-180, south, 180, north];
  const wrapped = [bounds.getWest(), bounds.getEast()].map((each) => ((((each + 180) % 360) + 360) % 360) - 180);
  return [wrapped[0], south, wrapped[1], north];
}
