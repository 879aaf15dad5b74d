/** Functions that write numbers as text. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** @param {number} n @returns {string} Such as "23,860". */
export const count = (n) => whole.format(n);

/** @param {?number} share From 0 to 1. @returns {string} Such as "95.32 %", or a dash if the share is not known. */
export const percent = (share) => (known(share) ? `${(100 * share).toFixed(2)} %` : "–");

/**
 * Write a number with about three significant digits.
 * @param {?number} x
 * @returns {string} Such as "0.123" or "−4.50"; "1.2e−7" for very small or large numbers; a dash if x is not known.
 */
export function decimal(x) {
  if (!known(x)) return "–";
  const size = Math.abs(x);
  let text;
  if (size === 0) text = "0";
  else if (size < 1e-3 || size >= 1e6) text = x.toExponential(1);
  else if (size < 1) text = x.toFixed(3);
  else if (size < 100) text = x.toFixed(2);
  else text = x.toFixed(size < 1000 ? 1 : 0);
  return text.replaceAll("-", "−");
}

/**
 * Write an activation as `decimal` does, but write absolute values below 0.001 as "0.000" or "0.001", without exponent.
 * @param {number} x
 * @returns {string}
 */
export function activation(x) {
  if (Math.abs(x) >= 1e-3 || !known(x)) return decimal(x);
  return (Math.abs(x) < 5e-4 ? 0 : x).toFixed(3).replace("-", "−");
}

/** @param {?number} x @returns {boolean} Whether x is a finite number. */
export const known = (x) => typeof x === "number" && Number.isFinite(x);
