// Photos of the visitor's own: chosen, dropped or pasted anywhere on the page.

import { chosenPhotos, droppedPhotos } from "./given_photos.js";

/**
 * Calls `onPhotos` whenever there are some.
 *
 * A file that is not a picture is handed on as well: the service explains best why it cannot be used.
 *
 * @param {HTMLInputElement[]} inputs
 * @param {(given: import("./given_photos.js").GivenPhotos) => void} onPhotos
 */
export function watchUploads(inputs, onPhotos) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      if (files.length > 0) onPhotos(chosenPhotos(files));
    });
  }

  let depth = 0; // how many nested elements the dragged file is over
  const show = (change) => {
    depth = Math.max(0, change === null ? 0 : depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", (event) => carriesFile(event) && show(+1));
  document.addEventListener("dragleave", (event) => carriesFile(event) && show(-1));
  document.addEventListener("dragover", (event) => {
    if (carriesFile(event)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    show(null);
    onPhotos(await droppedPhotos(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length > 0) onPhotos(chosenPhotos(files));
  });
}

function carriesFile(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
