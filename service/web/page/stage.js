// The map on the page with all that stands on it. It opens when there is something to show.

import { numbersIn, showWrong, writeAddress } from "./address.js";
import { at } from "./elements.js";
import { AnswerLayer } from "./plan_answer.js";
import { PlacesLayer } from "./plan_places.js";
import { fit, onOwnMoves, openPlan } from "./plan.js";
import { attributionOf, layTiles } from "./plan_tiles.js";
import { legend, makeTools } from "./plan_tools.js";
import { closePlace, showPlace } from "./place_card.js";
import { listPlaces } from "./place_list.js";
import { onPrior, readPrior } from "./prior/prior.js";
import { Failure, fetchPicture, thumbnailUrl } from "./service.js";

/**
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Position} Position
 */

/** The map on the page, and what it shows. */
export class Stage {
  /**
   * @param {{may_browse: boolean, why_candidates_alone: string | null, basemap: import("./types.js").Basemap | null}} options the service's options for the page
   * @param {(query: import("./types.js").Query) => void} onAsk
   */
  constructor(options, onAsk) {
    this.options = options;
    this.onAsk = onAsk;
    /** @type {Answer | null} */
    this.answer = null;
    /** @type {Position | null} */
    this.truth = null;
    at("plan-note").textContent = options.why_candidates_alone ?? "";
    /** @type {Promise<import("./types.js").Plan>} once the map is open */
    this.opened = new Promise((resolve) => (this.tellOpened = resolve));
  }

  /** Shows the pictures of a map, if this visitor may see them all. */
  async showMap(name) {
    this.mapName = name;
    this.#closePlace();
    if (!this.options.may_browse) return;
    await this.open();
    try {
      this.whole = await this.places?.showMap(name);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return; // the service says itself how it is
    }
    if (this.answer === null) this.fitWhole({ isStill: true });
  }

  /** Shows an answer with at least one candidate. */
  async showAnswer(answer, truth) {
    [this.answer, this.truth] = [answer, truth];
    this.#closePlace();
    await this.open();
    if (this.answer !== answer) return; // another one has come meanwhile
    this.layer?.show(answer, truth);
    this.#renew();
  }

  /** Takes the answer off the map. */
  clearAnswer() {
    [this.answer, this.truth] = [null, null];
    this.layer?.clear();
    const isEmpty = !this.options.may_browse && readPrior() === null && document.body.dataset.mode === "one";
    if (isEmpty) at("plan-box").hidden = true;
    this.#renew();
  }

  /** Moves the view to all pictures of the map. */
  fitWhole(options = {}) {
    if (this.whole) fit(this.plan, this.whole, options);
  }

  /** Shows the view and the pictures that an address names: "latitude,longitude,zoom", and "latitude,longitude". */
  async showAddressed(view, place) {
    const [latitude, longitude, zoom] = numbersIn(view, [90, 180, 22]);
    if (this.plan && zoom !== undefined) this.plan.map.setView([latitude, longitude], zoom, { animate: false });
    const [north, east] = numbersIn(place, [90, 180]);
    if (!this.places || east === undefined) return;
    if (zoom === undefined) this.plan.map.setView([north, east], 19, { animate: false });
    const hair = 1e-6;
    const pictures = await this.places.picturesIn([east - hair, north - hair, east + hair, north + hair]);
    if (pictures.length === 0) showWrong("The address of this page: the map has no picture at that place.");
    this.#showPictures(pictures);
  }

  /** Opens the map, with nothing on it yet. */
  open() {
    this.opening ??= this.#build().catch((error) => {
      this.opening = null;
      at("plan").textContent = `The map could not be opened: ${error.message}`;
    });
    at("plan-box").hidden = false;
    return this.opening;
  }

  async #build() {
    const { basemap, may_browse: mayBrowse } = this.options;
    this.plan = await openPlan(at("plan"), { hasTiles: basemap !== null });
    if (basemap !== null) {
      this.plan.map.once("moveend", () => layTiles(this.plan, basemap)); // and not those of the whole world before
      at("plan-stage").append(attributionOf(basemap));
    }
    if (mayBrowse) {
      this.places = new PlacesLayer(this.plan, {
        onPick: (pictures) => this.#showPictures(pictures),
        onShown: (pictures) => this.#list(pictures),
      });
    }
    this.layer = new AnswerLayer(this.plan, (rank) => at("evidence").querySelector(`[data-rank="${rank}"]`)?.scrollIntoView({ block: "nearest" }));
    onOwnMoves(this.plan, ({ lat, lng }, zoom) => writeAddress({ view: `${lat.toFixed(6)},${lng.toFixed(6)},${zoom}` }));
    onPrior(() => this.#renew());
    this.#renew();
    this.tellOpened(this.plan);
  }

  /** Brings the map into view, where it stands below something else. */
  reveal() {
    at("plan-stage").scrollIntoView({ behavior: this.plan.isStill ? "instant" : "smooth", block: "nearest" });
  }

  #renew() {
    at("plan-legend").replaceChildren(...legend(this.answer, this.truth, { hasPictures: this.places !== undefined, hasPrior: readPrior() !== null }));
    const { map, isStill } = this.plan ?? {};
    if (map === undefined) return;
    const tools = {
      "Zoom in": () => map.zoomIn(1, { animate: !isStill }),
      "Zoom out": () => map.zoomOut(1, { animate: !isStill }),
      ...(this.answer === null ? {} : { "Show the answer": () => this.layer.fitAnswer(), "Show all candidates": () => this.layer.fitCandidates() }),
      ...(this.places === undefined ? {} : { "Show the whole map": () => this.fitWhole() }),
    };
    at("plan-tools").replaceChildren(makeTools(tools));
  }

  #list(pictures) {
    const { lat, lng } = this.plan.map.getCenter();
    at("place-list").hidden = false;
    listPlaces(at("place-list"), pictures, { latitude: lat, longitude: lng }, (picture) => this.#showPictures([picture]));
  }

  #showPictures(pictures) {
    if (pictures.length === 0) return;
    const [longitude, latitude] = pictures[0].geometry.coordinates;
    writeAddress({ place: `${latitude},${longitude}` });
    showPlace(at("place"), pictures, this.mapName, { 
      onAsk: (picture) => this.#askWith(picture),
      onClose: () => {
        this.places.unring();
        writeAddress({ place: null });
      },
    });
    this.places.ring(pictures[0], at("place").getBoundingClientRect());
  }

  #closePlace() {
    closePlace(at("place"));
    this.places?.unring();
  }

  async #askWith({ properties: { id }, geometry: { coordinates: [longitude, latitude] } }) {
    const file = await fetchPicture(thumbnailUrl(this.mapName, id));
    this.onAsk({ name: id, sample: null, file, truth: { latitude, longitude } });
  }
}
