// The photos that were given: files, and those in folders.

const PICTURE = /^[^.].*\.(jpg|jpeg|jpe|jfif|insp|png|webp|avif|heic|heif|hif)$/i; // the kinds that `placefix build` reads

/**
 * @typedef {object} GivenPhotos
 * @property {{name: string, file: File}[]} photos by name below a folder; the type of a single file is the declared one
 * @property {number} left the number of files in folders that are not pictures
 */

/**
 * Returns photos that were chosen.
 *
 * @param {File[]} files
 * @returns {GivenPhotos}
 */
export function chosenPhotos(files) {
  const all = files.map((file) => ({ name: file.webkitRelativePath || file.name, file, isBelow: file.webkitRelativePath !== "" }));
  return withoutOthers(all);
}

/**
 * Returns photos that were dropped. It must be called while the event is handled: later there are no entries any more.
 *
 * @param {DataTransfer} dropped
 * @returns {Promise<GivenPhotos>}
 */
export async function droppedPhotos(dropped) {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.includes(null)) return chosenPhotos([...dropped.files]); // the browser does not tell folders
  const found = await Promise.all(entries.map((entry) => filesOf(entry)));
  return withoutOthers(found.flat());
}

function withoutOthers(all) {
  const photos = all.filter(({ name, isBelow }) => !isBelow || name.split("/").every((part, depth) => depth === 0 || !part.startsWith(".")));
  const pictures = photos.filter(({ name, isBelow }) => !isBelow || PICTURE.test(name.slice(name.lastIndexOf("/") + 1)));
  return { photos: pictures.map(({ name, file }) => ({ name, file })), left: all.length - pictures.length };
}

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    const name = entry.fullPath.slice(1);
    return [{ name, file, isBelow: name.includes("/") }];
  }
  const found = [];
  for (const each of await entriesOf(entry)) found.push(...(await filesOf(each)));
  return found;
}

/** All entries of a folder by name; a reader gives some at a time, and none at the end. */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all.sort((a, b) => (a.name < b.name ? -1 : 1));
    all.push(...some);
  }
}
