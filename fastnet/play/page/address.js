/**
 * Writes settings into the fragment of the page's address, and reads them. Settings that the preset or the defaults
 * imply are left out.
 */

/**
 * Write settings as a fragment.
 * @param {object} settings
 * @param {string} preset Name of the preset, or "".
 * @param {object} hello The header of the server's `hello`.
 * @returns {string} The fragment without "#"; empty if there is no preset and all settings have their defaults.
 */
export function toFragment(settings, preset, hello) {
  const base = withPreset(preset, hello);
  const parts = new URLSearchParams();
  if (preset) parts.set("preset", preset);
  for (const [name, value] of Object.entries(settings)) {
    if (String(value) !== String(base[name])) parts.set(name, value);
  }
  return parts.toString();
}

/**
 * Read a fragment.
 * @param {string} fragment With or without "#".
 * @param {object} hello The header of the server's `hello`.
 * @returns {?{settings: object, preset: string, unknown: string[]}} Null if the fragment is empty. `unknown` lists the
 *   names that the server does not know.
 */
export function fromFragment(fragment, hello) {
  const parts = new URLSearchParams(fragment.replace(/^#/, ""));
  if (parts.toString() === "") return null;
  const unknown = [];
  let preset = parts.get("preset") ?? "";
  if (preset && !hello.presets.some(({ name }) => name === preset)) {
    unknown.push(`preset ${preset}`);
    preset = "";
  }
  const settings = withPreset(preset, hello);
  for (const [name, text] of parts) {
    if (name in hello.defaults) settings[name] = asSetting(text, hello.defaults[name]);
    else if (name !== "preset") unknown.push(name);
  }
  return { settings, preset, unknown };
}

/**
 * Convert a text to the type of a setting. A text that is no number stays a text, and the server then names the error.
 * @param {string} text
 * @param {string|number|null} example A value of this setting, from which the type is taken.
 * @returns {string|number}
 */
export function asSetting(text, example) {
  if (typeof example === "string") return text.trim();
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : text.trim();
}

/** Return the defaults, changed by the settings of a preset. */
export function withPreset(name, { defaults, presets }) {
  return { ...defaults, ...presets.find((preset) => preset.name === name)?.settings };
}
