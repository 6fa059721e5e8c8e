// The tiles below everything else, where the operator has chosen some. They come through this service alone.

import { make } from "./elements.js";
import { showPicture } from "./pictures.js";

/**
 * Lays tiles under the map.
 *
 * @param {import("./types.js").Plan} plan
 * @param {import("./types.js").Basemap} basemap
 */
export function layTiles({ L, map }, basemap) {
  const Tiles = L.GridLayer.extend({
    createTile(coords, done) {
      const tile = make("img", { alt: "", decoding: "async" });
      tile.addEventListener("load", () => done(null, tile));
      tile.addEventListener("error", () => done(null, tile)); // where there is no tile, the grid shows
      showPicture(tile, basemap.url.replace("{z}", coords.z).replace("{x}", coords.x).replace("{y}", coords.y));
      return tile;
    },
  });
  const zooms = { minNativeZoom: basemap.min_zoom, maxNativeZoom: basemap.max_zoom, maxZoom: 22 };
  new Tiles({ ...zooms, className: "tiles" }).addTo(map);
  map.getContainer().classList.add("has-tiles");
}

/** @returns {HTMLElement} whose tiles they are */
export function attributionOf({ attribution }) {
  const parts = attribution.map(({ text, url }) => (url === null ? text : make("a", { href: url, rel: "noreferrer" }, text)));
  return make("p", { class: "attribution" }, ...parts);
}
