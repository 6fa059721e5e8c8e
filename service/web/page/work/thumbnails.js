// Small pictures of photos: made when they are seen, one at a time, and the oldest are forgotten.

const SIDE = 96; // pixels of a thumbnail's longer side
const MOST_KEPT = 200;

/** @type {WeakMap<File, Promise<ImageBitmap | null>>} null if the browser cannot show the photo */
const made = new WeakMap();
/** @type {File[]} those that are kept, the oldest first */
let kept = [];
/** @type {Promise<any>} one after the other */
let work = Promise.resolve();

/**
 * Draws a photo into a canvas that is on the page; one that the browser cannot show leaves it empty.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {File} file
 */
export async function drawThumbnail(canvas, file) {
  await (work = work.then(() => canvas.isConnected && begin(file))); // it may have been scrolled away meanwhile
  const bitmap = await made.get(file);
  if (bitmap === undefined) return;
  if (bitmap === null) canvas.classList.add("lacking");
  else if (bitmap.width > 0) draw(canvas, bitmap); // a forgotten one has no size
}

/**
 * Frees the thumbnail of a photo.
 *
 * @param {Blob} file
 */
export function forget(file) {
  made.get(file)?.then((bitmap) => bitmap?.close());
  made.delete(file);
  kept = kept.filter((each) => each !== file);
}

function begin(file) {
  if (!made.has(file)) {
    made.set(file, shrink(file).catch(() => null));
    kept.push(file);
    if (kept.length > MOST_KEPT) forget(kept[0]);
  }
  return made.get(file);
}

function draw(canvas, bitmap) {
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}

async function shrink(file) {
  const whole = await createImageBitmap(file);
  const scale = SIDE / Math.max(whole.width, whole.height, SIDE);
  const size = { resizeWidth: Math.max(1, Math.round(scale * whole.width)), resizeHeight: Math.max(1, Math.round(scale * whole.height)) };
  const small = await createImageBitmap(whole, { ...size, resizeQuality: "medium" });
  whole.close();
  return small;
}
