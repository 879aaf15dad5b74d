/**
 * The colours of images. They are read from the style sheet, because each theme has its own colours.
 *
 * There are two scales. `signed` goes from blue (negative) through the colour of zero to orange (positive).
 * `ink` goes from paper to ink. Each scale is a table of colours in the form of `ImageData`, four bytes in one number.
 */

/** Number of steps on either side of zero in the table `signed`. */
export const STEPS = 127;

/** Colours of the values -127 to 127; the index is the value + 127. */
export const signed = new Uint32Array(2 * STEPS + 1);

/** Colours of the values 0 to 255. */
export const ink = new Uint32Array(256);

/** Read both scales from the style sheet. Call this after each change of the theme. */
export function readColours() {
  const style = getComputedStyle(document.documentElement);
  const of = (name) => parse(style.getPropertyValue(name));
  blend(signed, ["--negative", "--negative-half", "--zero", "--positive-half", "--positive"].map(of));
  blend(ink, ["--paper", "--ink"].map(of));
}

/**
 * Return a colour of the style sheet for drawing on a canvas.
 * @param {string} name Such as "--line".
 * @returns {string}
 */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/**
 * Mix two colours of the tables.
 * @param {number} a
 * @param {number} b
 * @param {number} share Share of `b`, from 0 to 1.
 * @returns {number}
 */
export function mix(a, b, share) {
  const part = (shift) => ((a >> shift) & 255) * (1 - share) + ((b >> shift) & 255) * share;
  return pack(part(0), part(8), part(16));
}

/** @param {string} text "#rrggbb". @returns {number[]} Red, green and blue. */
function parse(text) {
  const value = parseInt(text.trim().slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** Return a colour in the form of `ImageData`. Red is the lowest byte, because browsers' machines are little-endian. */
function pack(red, green, blue) {
  return ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}

/** Fill a table with colours that are interpolated linearly between the stops. */
function blend(table, stops) {
  const last = stops.length - 1;
  for (let i = 0; i < table.length; i++) {
    const place = (i / (table.length - 1)) * last;
    const from = Math.min(Math.floor(place), last - 1);
    const share = place - from;
    table[i] = pack(...stops[from].map((value, k) => value * (1 - share) + stops[from + 1][k] * share));
  }
}
