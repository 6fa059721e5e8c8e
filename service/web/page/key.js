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
 * Asks for a key, and goes on with it.
 *
 * @param {HTMLFormElement} form with a field for the key, and a place for why it is asked for
 * @param {string} why in a sentence
 * @param {() => void} [goOn] begins anew, unless there is something to keep
 */
export function askForKey(form, why, goOn = () => location.reload()) {
  form.querySelector(".why").textContent = why;
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    const key = form.querySelector("input").value.trim();
    if (!/^[!-~]+$/.test(key)) {
      form.querySelector(".why").textContent = "A key has neither spaces nor letters of other alphabets.";
      return;
    }
    sessionStorage.setItem(NAME, key);
    form.hidden = true;
    goOn();
  };
  form.querySelector("input").focus();
}
