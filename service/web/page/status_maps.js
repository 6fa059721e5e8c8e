// The maps that are served: versions, calibration, and the choice of another version.

import { make } from "./elements.js";
import { writeBytes, writeCount, writeMoment, writeNumberOf, writeSpan } from "./status_words.js";

const COLUMNS = { Version: null, Made: null, By: "wide", Pictures: "number", "Own size": "number wide" };

/** @typedef {import("./status_service.js").ServedMap} ServedMap */
/** @typedef {import("./status_service.js").Version} Version */

/**
 * Makes the card of a map.
 *
 * @param {ServedMap} map
 * @param {(version: Version, say: (text: string) => void) => Promise<void>} onServe told of the version to be served
 */
export function mapCard(map, onServe) {
  const said = make("p", { class: "said", role: "status" });
  const id = `map-${map.name}`;
  return make(
    "article",
    { class: "map card", "data-map": map.name, "aria-labelledby": id, tabindex: -1 },
    make(
      "div",
      { class: "map-head" },
      make("h3", { id }, map.name),
      make("p", {}, `version ${map.version} · ${writeNumberOf(map.pictures, "picture")}`),
      make("p", { class: "by" }, byOf(map)),
      map.is_damaged ? make("strong", { class: "tag bad" }, "damaged: not answered from") : null,
    ),
    calibration(map),
    versionTable(map, onServe, said),
    said,
  );
}

/** States the network, the re-ranker and the licence of the weights. */
function byOf({ network, reranker, weights_licence: licence }) {
  return `${network.family} · ${reranker === null ? "not re-ranked" : `re-ranked by ${reranker}`} · weights: ${licence ?? "licence not known"}`;
}

function calibration({ version, versions, calibration: found, calibration_advice: advice }) {
  const advised = advice === null ? "" : `${advice.charAt(0).toUpperCase()}${advice.slice(1)}.`;
  if (found === null) {
    return make("p", { class: "calibration" }, make("strong", { class: "tag unsure" }, "not calibrated"), advised);
  }
  const isOlder = found.version !== version;
  const made = versions.find((each) => each.version === found.version);
  const when = made === undefined ? "with a version that is gone" : `${writeSpan(ageS(made))} ago`;
  const basis = `By ${writeNumberOf(found.questions, "question")}, ${when}; right means within ${found.within_m} m.`;
  return make(
    "p",
    { class: "calibration" },
    make("strong", { class: `tag ${isOlder ? "unsure" : "good"}` }, isOlder ? "calibration older than the map" : "calibrated"),
    `${basis} ${advised}`,
  );
}

function ageS({ created_at: createdAt }) {
  return (Date.now() - Date.parse(createdAt)) / 1000;
}

function versionTable(map, onServe, said) {
  const heads = Object.entries(COLUMNS).map(([name, className]) => make("th", { scope: "col", class: className }, name));
  const rows = [...map.versions].reverse().map((version) => versionRow(version, map, onServe, said));
  return make(
    "div",
    { class: "table-box", role: "region", tabindex: 0, "aria-label": `Versions of ${map.name}` },
    make("table", {}, make("thead", {}, make("tr", {}, ...heads, make("th", {}, make("span", { class: "unseen" }, "Serve")))), make("tbody", {}, ...rows)),
  );
}

function versionRow(version, map, onServe, said) {
  const [date, time] = writeMoment(new Date(version.created_at)).split(" ");
  return make(
    "tr",
    version.is_served ? { class: "served" } : {},
    make("th", { scope: "row" }, version.version),
    make("td", { title: version.created_at }, date, make("span", { class: "wide" }, ` ${time}`)),
    make("td", { class: COLUMNS.By }, version.change),
    make("td", { class: COLUMNS.Pictures }, writeCount(version.pictures)),
    make("td", { class: COLUMNS["Own size"] }, writeBytes(version.own_bytes)),
    make("td", { class: "act" }, version.is_served ? make("strong", { class: "tag good" }, "served") : serveButton(version, map, onServe, said)),
  );
}

/** A button that asks once more before it acts. */
function serveButton(version, map, onServe, said) {
  const isBack = version.version < map.version;
  const box = make("span", { class: "choice" });
  const begin = make("button", { type: "button", "aria-label": `${isBack ? "Roll back to" : "Serve"} ${version.version}` }, isBack ? "Roll back" : "Serve");
  const yes = make("button", { type: "button", class: "yes", "aria-label": `Serve ${version.version} now` }, "Serve it");
  const no = make("button", { type: "button" }, "Cancel");
  const show = (...buttons) => {
    box.replaceChildren(...buttons);
    buttons[0].focus();
  };
  const say = (text) => (said.textContent = text);
  begin.addEventListener("click", () => {
    say(`Answers come from ${version.version} instead of ${map.version} then. It is tried out first.`);
    show(yes, no);
  });
  no.addEventListener("click", () => {
    say("");
    show(begin);
  });
  yes.addEventListener("click", async () => {
    say(`${version.version} is loaded and tried out …`);
    yes.disabled = no.disabled = true;
    await onServe(version, say);
    yes.disabled = no.disabled = false;
    if (box.isConnected) show(begin);
  });
  box.append(begin);
  return box;
}
