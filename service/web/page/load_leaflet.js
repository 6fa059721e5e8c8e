// Loads Leaflet, which the service has from its package, once the page has been painted.

const LONGEST_WAIT_MS = 400; // for a paint: a tab in the background has none

/** @type {Promise<any> | null} */
let loading = null;

/**
 * Returns Leaflet.
 *
 * @returns {Promise<any>} rejected if its files do not come; the next call tries again
 */
export function loadLeaflet() {
  loading ??= load().catch((error) => {
    loading = null;
    throw error;
  });
  return loading;
}

async function load() {
  await painted();
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = besides("leaflet.css");
  const script = document.createElement("script");
  script.src = besides("leaflet.js");
  const coming = Promise.all([loaded(style), loaded(script)]);
  document.head.prepend(style, script); // before the page's own styles, which have the last word
  await coming;
  return window.L;
}

function besides(name) {
  return new URL(name, import.meta.url).href;
}

function loaded(element) {
  return new Promise((resolve, reject) => {
    element.addEventListener("load", resolve, { once: true });
    element.addEventListener("error", () => reject(new Error(`${element.href ?? element.src} did not come`)), { once: true });
  });
}

function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve, 0));
    setTimeout(resolve, LONGEST_WAIT_MS);
  });
}
