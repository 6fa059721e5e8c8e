// Shows pictures of the service. A browser sends no key with those that it loads by itself.

import { at } from "./elements.js";
import { hasKey } from "./key.js";
import { Failure, fetchPicture } from "./service.js";

const wanted = new WeakMap(); // image → the address that it was last told to show

const PHOTO_PX = 960; // the longer side of the copy of a photo, at most

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

/**
 * Draws the photo that is on show into a canvas, upright as the browser shows it.
 *
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<[number, number]>} its width and height; [1, 1] if the browser cannot show the photo
 */
export async function copyPreview(canvas) {
  const photo = at("preview-picture");
  try {
    await photo.decode();
  } catch {
    canvas.classList.add("lacking"); // a format that browsers do not show
    return [1, 1];
  }
  const shrunk = Math.min(1, PHOTO_PX / Math.max(photo.naturalWidth, photo.naturalHeight));
  canvas.width = Math.round(photo.naturalWidth * shrunk);
  canvas.height = Math.round(photo.naturalHeight * shrunk);
  canvas.getContext("2d").drawImage(photo, 0, 0, canvas.width, canvas.height);
  return [canvas.width, canvas.height];
}
