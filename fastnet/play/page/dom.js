/** Small helpers for the document. */

/** @param {string} id @returns {HTMLElement} The element with this id. */
export const byId = (id) => document.getElementById(id);

/**
 * Set the text of an element if the text has changed. Setting an unchanged text would cause a new layout, and screen
 * readers would repeat the text.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Create an element.
 * @param {string} tag
 * @param {object} [properties] Assigned to the element, such as `{ className: "note" }`.
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/**
 * Fill a selection list, and keep the chosen option if it still exists.
 * @param {HTMLSelectElement} select
 * @param {{value: string, text: string}[]} options
 */
export function fillSelect(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(({ value, text }) => new Option(text, value)));
  if (options.some(({ value }) => value === chosen)) select.value = chosen;
}

/**
 * Have a screen reader read a sentence out.
 * @param {string} sentence
 */
export function announce(sentence) {
  setText(byId("announcer"), sentence);
}

/**
 * Return a function that calls `draw` before the next frame of the screen. Several calls before this frame draw once.
 * @param {() => void} draw
 * @returns {() => void}
 */
export function oncePerFrame(draw) {
  let asked = false;
  const now = () => {
    asked = false;
    draw();
  };
  return () => {
    if (!asked) {
      asked = true;
      requestAnimationFrame(now);
    }
  };
}
