// Shows pictures of the service. A browser sends no key with those that it loads by itself.

import { hasKey } from "./key.js";
import { Failure, fetchPicture } from "./service.js";

const wanted = new WeakMap(); // image → the address that it was last told to show

/**
 * Shows the picture at an address; if there is none, the image hears an error.
 *
 * @param {HTMLImageElement} image
 * @param {string} url
 */
export async function showPicture(image, url) {
  wanted.set(image, url);
  if (!hasKey()) {
    image.src = url;
    return;
  }
  if (image.loading === "lazy") await untilSeen(image);
  try {
    const picture = await fetchPicture(url);
    if (wanted.get(image) === url) showBlob(image, picture);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (wanted.get(image) === url) image.dispatchEvent(new Event("error"));
  }
}

/**
 * Shows a picture that is here already.
 *
 * @param {HTMLImageElement} image
 * @param {Blob} file
 */
export function showFile(image, file) {
  wanted.set(image, null);
  showBlob(image, file);
}

function showBlob(image, blob) {
  const url = URL.createObjectURL(blob);
  for (const outcome of ["load", "error"]) image.addEventListener(outcome, () => URL.revokeObjectURL(url), { once: true });
  image.src = url;
}

function untilSeen(image) {
  return new Promise((resolve) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((each) => each.isIntersecting)) return;
      observer.disconnect();
      resolve();
    });
    observer.observe(image);
  });
}
