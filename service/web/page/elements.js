// Makes elements. Text becomes text nodes, never markup.

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element of the page with an id.
 *
 * @param {string} id
 * @returns {any}
 */
export function at(id) {
  return document.getElementById(id);
}

/**
 * An HTML element; attributes that are null or undefined are left out.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} attributes null and undefined are left out
 * @param {(Node | string | null)[]} children null is left out
 */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/**
 * An SVG element.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} attributes
 * @param {(Node | string | null)[]} children
 */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/**
 * A tick, or a cross.
 *
 * @param {boolean} isRight
 * @param {Record<string, unknown>} attributes
 */
export function sign(isRight, attributes = {}) {
  const path = isRight ? "M5 12.5l4.5 4.5L19 7.5" : "M7 7l10 10M17 7L7 17";
  return draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", ...attributes }, draw("path", { d: path }));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}
