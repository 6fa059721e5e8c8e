// The visitor's API key: kept for this tab alone, and sent with every request.

const NAME = "placefix-key";

/** The headers that a request needs: none without a key. */
export function keyHeaders() {
  const key = sessionStorage.getItem(NAME);
  return key === null ? {} : { Authorization: `Bearer ${key}` };
}

/** Whether requests are sent with a key. */
export function hasKey() {
  return sessionStorage.getItem(NAME) !== null;
}

/**
 * Asks for a key, and begins anew with it.
 *
 * @param form with a field for the key, and a place for why it is asked for
 * @param why in a sentence
 */
export function askForKey(form, why) {
  form.querySelector(".why").textContent = why;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = form.querySelector("input").value.trim();
    if (!/^[!-~]+$/.test(key)) {
      form.querySelector(".why").textContent = "A key has neither spaces nor letters of other alphabets.";
      return;
    }
    sessionStorage.setItem(NAME, key);
    location.reload();
  });
  form.querySelector("input").focus();
}
