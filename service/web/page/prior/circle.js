// The circle on the map that is known beforehand: drawn with a pointer, moved and resized with pointer or keys.

import { make } from "../elements.js";
import { writeDistance } from "../geo.js";
import { fit } from "../plan.js";
import { LEAST_M, MOST_M, USUAL_M, priorOf, readPrior, writePrior } from "./prior.js";

const STEP = 12; // pixels for an arrow key
const GROWTH = 1.25; // of the radius, for a key
const CLICK = 6; // pixels; a shorter stroke is a click
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SETTLE_MS = 350; // after a key, until the change is taken over

/** @typedef {import("../types.js").Prior} Prior */

/** The circle on the map that says where photos were taken. */
export class PriorCircle {
  /** Ends drawing, if it is under way. @type {(() => void) | null} */
  #stop = null;

  /** @param {import("../types.js").Plan} plan */
  constructor(plan) {
    const { L, map } = plan;
    this.plan = plan;
    this.ring = L.circle([0, 0], { radius: 1, className: "prior-ring", interactive: false, renderer: L.svg({ padding: 1 }) });
    this.middle = this.#handle("prior-middle");
    this.rim = this.#handle("prior-rim");
    this.layers = L.layerGroup([]);
    this.middle.on("drag", () => this.#move(this.middle.getLatLng(), this.prior.within_m));
    this.rim.on("drag", () => this.#move(this.middle.getLatLng(), map.distance(this.middle.getLatLng(), this.rim.getLatLng())));
    this.rim.on("dragstart", () => (this.isResizing = true)); // it stays below the pointer
    for (const each of [this.middle, this.rim]) {
      each.on("dragend", () => {
        this.isResizing = false;
        writePrior(this.prior);
      });
    }
  }

  /** @param {Prior | null} prior */
  show(prior) {
    this.prior = prior;
    if (prior === null) {
      this.layers.clearLayers().remove();
      return;
    }
    this.layers.addTo(this.plan.map);
    for (const each of [this.ring, this.rim, this.middle]) if (!this.layers.hasLayer(each)) this.layers.addLayer(each);
    this.#move(this.plan.L.latLng(prior.latitude, prior.longitude), prior.within_m);
    this.#steerByKeys();
  }

  /** Moves the view to the circle. */
  fit() {
    if (this.prior !== null) fit(this.plan, this.plan.L.latLng(this.prior.latitude, this.prior.longitude).toBounds(2.2 * this.prior.within_m));
  }

  /** Places a circle in the middle of the view, with the focus on it. */
  placeInView() {
    const { map } = this.plan;
    const { lat, lng } = map.getCenter();
    const size = map.getSize();
    const reach = map.distance(map.getCenter(), map.containerPointToLatLng([size.x / 2, size.y / 4]));
    writePrior(this.#valid(lat, lng, reach));
    this.middle.getElement().focus();
  }

  /**
   * Lets the visitor draw a circle from its middle to its rim.
   *
   * @param {() => void} onEnd called once it is drawn, or given up
   */
  draw(onEnd) {
    this.#stop?.();
    const { map } = this.plan;
    const container = map.getContainer();
    let start = null;
    const ending = new AbortController();
    const listen = (target, type, act) => target.addEventListener(type, act, { signal: ending.signal, capture: true });
    const end = () => {
      ending.abort();
      map.dragging.enable();
      container.classList.remove("drawing");
      onEnd();
    };
    this.#stop = end;
    map.dragging.disable();
    container.classList.add("drawing");
    listen(container, "pointerdown", (event) => {
      event.stopPropagation();
      container.setPointerCapture(event.pointerId);
      start = { x: event.clientX, y: event.clientY, at: map.mouseEventToLatLng(event) };
    });
    const radiusTo = (event) => (Math.hypot(event.clientX - start.x, event.clientY - start.y) < CLICK ? USUAL_M : map.distance(start.at, map.mouseEventToLatLng(event)));
    listen(container, "pointermove", (event) => start !== null && this.show(this.#valid(start.at.lat, start.at.lng, radiusTo(event))));
    listen(container, "pointerup", (event) => {
      if (start === null) return;
      container.addEventListener("click", swallow, { capture: true, once: true }); // it is meant for no picture of the map
      setTimeout(() => container.removeEventListener("click", swallow, { capture: true }));
      const prior = this.#valid(start.at.lat, start.at.lng, radiusTo(event));
      end();
      writePrior(prior);
    });
    listen(document, "keydown", (event) => {
      if (event.key !== "Escape") return;
      this.show(readPrior());
      end();
    });
  }



  #handle(className) {
    const { L } = this.plan;
    const icon = L.divIcon({ html: make("span"), className, iconSize: [0, 0] });
    return L.marker([0, 0], { icon, draggable: true, keyboard: className === "prior-middle", zIndexOffset: 3000, bubblingMouseEvents: false });
  }

  #valid(latitude, longitude, withinM) {
    const wrapped = ((((longitude + 180) % 360) + 360) % 360) - 180;
    return priorOf(latitude, wrapped, Math.min(MOST_M, Math.max(LEAST_M, Math.round(withinM))));
  }

  #move(at, withinM) {
    this.prior = this.#valid(at.lat, at.lng, withinM);
    this.ring.setLatLng(at).setRadius(this.prior.within_m);
    this.middle.setLatLng(at);
    if (!this.isResizing) this.rim.setLatLng([at.lat, this.ring.getBounds().getEast()]);
    const element = this.middle.getElement();
    const where = `${at.lat.toFixed(5)}, ${at.lng.toFixed(5)}`;
    element?.setAttribute("aria-label", `Circle of ${writeDistance(this.prior.within_m)} around ${where}. Arrow keys move it, plus and minus resize it, Delete removes it.`);
  }

  #steerByKeys() {
    const element = this.middle.getElement();
    element.onkeydown = (event) => {
      const { map } = this.plan;
      const at = this.middle.getLatLng();
      if (event.key in MOVES) {
        const [x, y] = MOVES[event.key].map((each) => each * (event.shiftKey ? 1 : STEP));
        this.#move(map.unproject(map.project(at).add([x, y])), this.prior.within_m);
      } else if (event.key === "+" || event.key === "-") this.#move(at, this.prior.within_m * (event.key === "+" ? GROWTH : 1 / GROWTH));
      else if (event.key === "Delete" || event.key === "Backspace") {
        writePrior(null);
        map.getContainer().focus();
        return;
      } else return;
      event.preventDefault();
      event.stopPropagation();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => writePrior(this.prior), SETTLE_MS);
    };
  }
}

function swallow(event) {
  event.stopPropagation();
}
