/** Light or dark theme: the system's theme until the user chooses. The choice is kept for the next visit. */

import { readColours } from "./colours.js";
import { setText } from "./dom.js";

const KEPT = "fastnet:theme";
const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

/**
 * Set the theme up.
 * @param {HTMLElement} button Switches to the other theme; the button's text names the other theme.
 * @param {() => void} onChange Called after each change, to draw canvases again.
 */
export function setUpTheme(button, onChange) {
  let chosen = localStorage.getItem(KEPT);
  const isDark = () => (chosen ? chosen === "dark" : systemIsDark.matches);

  const apply = () => {
    if (chosen) document.documentElement.dataset.theme = chosen;
    setText(button, isDark() ? "Light" : "Dark");
    button.setAttribute("aria-label", isDark() ? "Light colours" : "Dark colours");
    readColours();
  };

  button.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    localStorage.setItem(KEPT, chosen);
    apply();
    onChange();
  });
  systemIsDark.addEventListener("change", () => {
    apply();
    onChange();
  });
  apply();
}
