// A photo of the visitor's own: chosen, dropped or pasted anywhere on the page.

/**
 * Calls `onPicture` with a File whenever there is one.
 *
 * What is no picture is handed on as well: the service says best what is wrong with it.
 */
export function watchUploads(input, onPicture) {
  input.addEventListener("change", () => {
    if (input.files.length > 0) onPicture(input.files[0]);
    input.value = ""; // so that the same file can be chosen again
  });

  let depth = 0; // of the elements that the dragged file is over
  const show = (change) => {
    depth = Math.max(0, change === null ? 0 : depth + change);
    document.body.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", (event) => carriesFile(event) && show(+1));
  document.addEventListener("dragleave", (event) => carriesFile(event) && show(-1));
  document.addEventListener("dragover", (event) => {
    if (carriesFile(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFile(event)) return;
    event.preventDefault();
    show(null);
    if (event.dataTransfer.files.length > 0) onPicture(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length > 0) onPicture(event.clipboardData.files[0]);
  });
}

function carriesFile(event) {
  return event.dataTransfer?.types.includes("Files") ?? false;
}
