// A candidate that is pointed at is shown on the map, and the other way round.

const BEARERS = "[data-rank], [data-ranks], .plan-mark";

/**
 * Joins the marks on the map with the cards of the candidates, which both carry their ranks and come and go.
 *
 * @param {HTMLElement} plan
 * @param {HTMLElement} cards
 */
export function joinPointing(plan, cards) {
  const mark = (ranks) => {
    for (const each of [...cards.querySelectorAll("[data-rank]"), ...plan.querySelectorAll("[data-ranks]")]) {
      each.classList.toggle("pointed", ranksOf(each).some((rank) => ranks.includes(rank)));
    }
  };
  for (const side of [plan, cards]) {
    for (const begin of ["pointerover", "focusin"]) {
      side.addEventListener(begin, ({ target }) => mark(ranksOf(target.closest(BEARERS))));
    }
    for (const end of ["pointerout", "focusout"]) side.addEventListener(end, () => mark([]));
  }
}

/** @returns {string[]} */
function ranksOf(element) {
  const bearer = element?.matches(".plan-mark") ? element.querySelector("[data-ranks]") : element;
  const text = bearer?.dataset.rank ?? bearer?.dataset.ranks ?? "";
  return text === "" ? [] : text.split(" ");
}
