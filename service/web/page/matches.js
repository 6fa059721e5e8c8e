// Why this place: the photo beside the most similar pictures, with lines between the parts that match.

import { readAddress, writeAddress } from "./address.js";
import { draw, make } from "./elements.js";
import { distanceM, writeDistance } from "./geo.js";
import { veilOf } from "./heat.js";
import { FEW_LINES, colourOf, drawLines, linesOf, spreadOut } from "./match_lines.js";
import { copyPreview, showPicture } from "./pictures.js";
import { Failure, thumbnailUrl } from "./service.js";

const ORDINALS = ["Best", "2nd", "3rd"];
const ELSEWHERE = "elsewhere";
const LOOKED = "The bright parts of the photo weighed most in the search for similar pictures.";

/**
 * Makes the part of the answer that shows what matches.
 *
 * @param {import("./types.js").Answer} answer
 * @param {() => Promise<import("./types.js").Heat | null>} askHeat asks the service where the network looked in the photo
 * @returns {HTMLElement | null} the matches, or the reason why there are none; null if nobody asked for them
 */
export function showMatches(answer, askHeat) {
  if (!answer.matches) return answer.without_evidence ? withoutMatches(answer) : null;
  return new MatchesView(answer, askHeat).element;
}

/** Says why the answer has no matches. */
function withoutMatches({ position, without_evidence: why }) {
  const title = make("h2", { id: "matches-title" }, titleOf(position));
  return make("section", { class: "matches card", "aria-labelledby": "matches-title" }, title, make("p", { class: "match-why" }, `Parts that match cannot be shown: ${why}.`));
}

function titleOf(position) {
  return position === null ? "What matches" : "Why this place";
}

class MatchesView {
  constructor(answer, askHeat) {
    [this.answer, this.told, this.askHeat] = [answer, answer.matches.candidates, askHeat];
    const all = this.told.flatMap((each) => each.similarities);
    /** @type {[number, number]} */
    this.range = [Math.min(...all), Math.max(...all)];
    const { with: wanted, lines, heat } = Object.fromEntries(readAddress());
    this.chosen = this.told.find((each) => keyOf(each) === wanted) ?? this.told[0];
    [this.hasAll, this.isLooking] = [lines === "all", heat === "on"];
    this.frame = make("div", { class: "match-photo" });
    this.photo = make("canvas", { role: "img", "aria-label": "The photo that was asked about" });
    this.candidate = make("img", { decoding: "async" });
    this.lines = draw("svg", { class: "match-lines", role: "img" });
    this.caption = make("figcaption");
    this.count = make("p", { class: "match-count", role: "status" });
    this.looked = make("p", { class: "match-looked", role: "status" });
    this.element = this.#build();
    new ResizeObserver(() => this.#drawLines()).observe(this.lines);
    this.candidate.addEventListener("load", () => this.#proportion(this.candidate, this.candidate.naturalWidth, this.candidate.naturalHeight));
    this.candidate.addEventListener("error", () => this.candidate.classList.add("lacking"));
    copyPreview(this.photo).then((size) => this.#proportion(this.photo, ...size));
    this.frame.append(this.photo);
    this.#choose(this.chosen);
    if (this.isLooking) this.#look();
  }

  #build() {
    const looking = box("heat", "Where the network looked", this.isLooking, (isOn) => {
      this.isLooking = isOn;
      writeAddress({ heat: isOn ? "on" : null });
      this.#look();
    });
    const more = box("all-lines", "All lines", this.hasAll, (isOn) => {
      this.hasAll = isOn;
      writeAddress({ lines: isOn ? "all" : null });
      this.#drawLines();
    });
    return make(
      "section",
      { class: "matches card", "aria-labelledby": "matches-title" },
      make("h2", { id: "matches-title" }, titleOf(this.answer.position)),
      make("p", { class: "match-why" }, whyOf(this.answer, this.told)),
      make("fieldset", { class: "match-choice" }, make("legend", { class: "unseen" }, "Compare the photo with"), ...this.told.map((each) => this.#choice(each))),
      make(
        "div",
        { class: "match-pair" },
        make("figure", {}, this.frame, make("figcaption", {}, "Your photo")),
        make("figure", {}, this.candidate, this.caption),
        this.lines,
      ),
      make("div", { class: "match-foot" }, this.count, scale(this.range), make("div", { class: "match-more" }, looking, more)),
      this.looked,
    );
  }

  #choice(matched) {
    const input = make("input", { type: "radio", name: "match", value: keyOf(matched) });
    input.checked = matched === this.chosen;
    input.addEventListener("change", () => {
      writeAddress({ with: matched === this.told[0] ? null : keyOf(matched) });
      this.#choose(matched);
    });
    return make("label", {}, input, make("span", {}, nameOf(matched, this.answer)), make("strong", {}, matched.count.toLocaleString("en")));
  }

  #choose(matched) {
    this.chosen = matched;
    const { id } = matched.candidate;
    this.candidate.alt = `Picture ${id} of the map`;
    this.candidate.classList.remove("lacking");
    this.caption.textContent = id;
    showPicture(this.candidate, thumbnailUrl(this.answer.map.name, id));
    this.#drawLines();
  }

  /** Darkens the photo where the network did not look, or shows it as it is again. */
  async #look() {
    this.element.classList.toggle("looking", this.isLooking);
    this.looked.textContent = this.isLooking ? "Asking…" : "";
    if (!this.isLooking) return;
    try {
      this.heat ??= await this.askHeat();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.looked.textContent = error.message;
      return;
    }
    if (!this.isLooking) return;
    this.looked.textContent = this.heat ? LOOKED : "This network does not tell where it looks.";
    if (this.heat) this.frame.replaceChildren(this.photo, veilOf(this.heat));
  }

  #proportion(picture, width, height) {
    (picture === this.photo ? this.frame : picture).style.setProperty("--ratio", String(width / height));
    this.#drawLines();
  }

  #drawLines() {
    const all = linesOf(this.chosen, this.answer.matches.grid);
    const shown = this.hasAll ? all : spreadOut(all, FEW_LINES);
    const { count } = this.chosen;
    this.count.textContent = count === shown.length ? `${count} matching parts` : `${shown.length} of ${count.toLocaleString("en")} matching parts`;
    this.lines.setAttribute("aria-label", `${shown.length} lines between parts of the photo and of ${this.chosen.candidate.id} that match`);
    if (!this.lines.isConnected) return;
    const boxes = [this.photo.getBoundingClientRect(), this.candidate.getBoundingClientRect()];
    drawLines(this.lines, shown.toReversed(), /** @type {[DOMRect, DOMRect]} */ (boxes), this.range);
  }
}

/** The name of a candidate in the address. */
function keyOf({ candidate, is_elsewhere: isElsewhere }) {
  return isElsewhere && candidate.rank > ORDINALS.length ? ELSEWHERE : String(candidate.rank);
}

function nameOf(matched, { matches, map }) {
  const name = ORDINALS[matched.candidate.rank - 1];
  const away = writeDistance(distanceM(matched.candidate, matches.candidates[0].candidate));
  if (!matched.is_elsewhere) return name ?? `Rank ${matched.candidate.rank}`;
  return name === undefined ? `Another place, ${away} away` : `${name}, ${away} away`;
}

/** States in a sentence or two the evidence for the best candidate, and that for another place. */
function whyOf({ position }, [best, ...others]) {
  const rival = others.filter((each) => each.is_elsewhere).sort((a, b) => b.count - a.count)[0];
  const own = `${parts(best.count)} of the photo ${best.count === 1 ? "was" : "were"} found again in the ${position === null ? "most similar" : "best"} picture`;
  if (rival === undefined) return `${own}. All pictures that may be the answer show this place.`;
  const away = writeDistance(distanceM(rival.candidate, best.candidate));
  return `${own}, and ${rival.count.toLocaleString("en")} in the best one of another place, ${away} away. Where two pictures show the same place, the lines keep their order.`;
}

function box(id, label, isOn, onChange) {
  const input = make("input", { type: "checkbox", id });
  input.checked = isOn;
  input.addEventListener("change", () => onChange(input.checked));
  return make("label", {}, input, label);
}

function parts(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "part" : "parts"}`;
}

function scale(range) {
  const stops = [0, 0.25, 0.5, 0.75, 1].map((share) => colourOf(share, [0, 1]));
  const bar = make("span", { class: "match-scale", "aria-hidden": "true" });
  bar.style.backgroundImage = `linear-gradient(90deg, ${stops.join(", ")})`;
  const title = `Similarity of the parts, as a cosine: ${range.map((each) => each.toFixed(2)).join(" to ")}`;
  return make("p", { class: "match-legend", title }, "less alike", bar, "more alike");
}
