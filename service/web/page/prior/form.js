// The words and buttons around the circle that is known beforehand: drawn, told by the device, or written.

import { make } from "../elements.js";
import { PriorCircle } from "./circle.js";
import { LEAST_M, MOST_M, USUAL_M, onPrior, priorOf, readPrior, writePrior } from "./prior.js";

const PATIENCE_MS = 20_000; // for the device to find itself
const NO_TLS = "“My position” is off: browsers tell it to pages that come over HTTPS alone.";
const DRAW = "Press on the map where the middle is, and drag to the rim. Escape ends it.";
const TOLD = "Your position goes to this service with every question, until you remove it.";
/** By the code of GeolocationPositionError. */
const WHY_NOT = {
  1: "The browser does not tell your position: allow it for this page, and try again.",
  2: "Your device does not know where it is now.",
  3: "Your device did not find itself in time; try again under the open sky.",
};

/** @typedef {import("../types.js").Prior} Prior */

/**
 * Offers to say where photos were taken, roughly.
 *
 * @param {HTMLElement} box
 * @param {import("../stage.js").Stage} stage
 */
export function offerPrior(box, stage) {
  const why = make("p", { class: "why", role: "status" });
  const draw = button("Draw on the map");
  const here = button("My position");
  const near = make("input", { id: "prior-near", inputmode: "text", autocomplete: "off", placeholder: "55.7058, 13.1932", spellcheck: "false" });
  const within = make("input", { id: "prior-within", type: "number", min: LEAST_M, max: MOST_M, step: "any" });
  const remove = button("Remove");
  const form = make("form", { class: "fields", novalidate: "" }, field("Around", near), field("Within, in metres", within), remove, make("button", { class: "unseen", tabindex: -1 }, "Use it"));
  box.replaceChildren(make("h3", { id: "prior-title" }, "Known roughly where?"), make("div", { class: "ways" }, draw, here), form, why);
  box.hidden = false;
  /** @type {PriorCircle | null} */
  let circle = null;

  const show = (prior) => {
    form.hidden = prior === null;
    near.value = prior === null ? "" : `${prior.latitude}, ${prior.longitude}`;
    within.value = String(prior?.within_m ?? USUAL_M);
  };
  const say = (text) => (why.textContent = text);
  const give = (prior) => {
    writePrior(prior);
    circle?.fit();
  };

  stage.opened.then((plan) => {
    circle = new PriorCircle(plan);
    circle.show(readPrior());
  });
  onPrior((prior) => {
    show(prior);
    circle?.show(prior);
    if (prior === null) say(offNow());
  });
  draw.addEventListener("click", async ({ detail }) => {
    await stage.open();
    if (circle === null) return; // the map says why it could not be opened
    if (detail === 0) circle.placeInView(); // by keyboard: a circle that keys can move
    else circle.draw(() => say(""));
    say(detail === 0 ? "" : DRAW);
    stage.reveal();
  });
  here.addEventListener("click", () => {
    if (!window.isSecureContext) return;
    say("Asking your device…");
    findMe(async (prior) => {
      await stage.open();
      give(prior);
      say(TOLD);
    }, say);
  });
  form.addEventListener("change", () => take());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take();
  });
  remove.addEventListener("click", () => {
    writePrior(null);
    draw.focus();
  });

  function take() {
    const [latitude, longitude] = near.value.split(",").map((text) => (text.trim() === "" ? NaN : Number(text)));
    const prior = priorOf(latitude, longitude, Number(within.value));
    if (prior === null) say(`Write degrees as 55.7058, 13.1932, and metres from ${LEAST_M} to ${MOST_M.toLocaleString("en")}.`);
    else {
      say("");
      give(prior);
    }
  }

  if (!window.isSecureContext) here.setAttribute("aria-disabled", "true");
  say(offNow());
  show(readPrior());
}

function offNow() {
  return window.isSecureContext ? "" : NO_TLS;
}

function findMe(onFound, say) {
  const found = ({ coords: { latitude, longitude, accuracy } }) => onFound(priorOf(latitude, longitude, Math.min(MOST_M, Math.max(USUAL_M, Math.ceil(accuracy)))));
  navigator.geolocation.getCurrentPosition(found, ({ code }) => say(WHY_NOT[code]), { enableHighAccuracy: true, timeout: PATIENCE_MS });
}

function button(label) {
  return make("button", { type: "button" }, label);
}

function field(label, input) {
  return make("label", {}, make("span", {}, label), input);
}
