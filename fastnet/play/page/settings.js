/** The form for the settings, with the presets. */

import { asSetting, toFragment, withPreset } from "./address.js";
import { byId, fillSelect, setText } from "./dom.js";

const WITH_MOMENTUM = new Set(["sgd", "nesterov"]);
const CHOICES = {
  activation: "activations",
  cost: "costs",
  optimizer: "optimizers",
  initial_weights: "initial_weights",
};

/**
 * The form. `#used` has the settings of the network, from which the settings in the form may differ. When the form is
 * sent, the server makes a new network with the form's settings.
 */
export class SettingsForm {
  #form = byId("settings");
  #preset = byId("preset");
  #hello = null;
  #used = null;
  #actions;

  /**
   * @param {object} actions
   * @param {() => void} actions.onUse Called when the settings in the form are to be used.
   * @param {(eta: number|string) => void} actions.onEta Called if eta is the only changed setting. Training can then
   *   continue with the new eta.
   */
  constructor(actions) {
    this.#actions = actions;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.onUse();
    });
    this.#form.addEventListener("change", (event) => this.#changed(event.target));
    this.#preset.addEventListener("change", () => this.#choosePreset());
    this.#form.addEventListener("input", () => this.#showWhetherUsed());
    byId("copy-address").addEventListener("click", () => this.#copyAddress());
  }

  /** The header of the server's `hello`; null before it has arrived. */
  get hello() {
    return this.#hello;
  }

  /** Name of the preset, or "". */
  get preset() {
    return this.#preset.value;
  }

  /** Whether the settings in the form differ from those of the network. */
  get isChanged() {
    return this.#used !== null && this.#differences().length > 0;
  }

  /**
   * Fill the selection lists.
   * @param {object} hello The header of the server's `hello`.
   */
  offer(hello) {
    this.#hello = hello;
    for (const [field, names] of Object.entries(CHOICES)) {
      fillSelect(this.#field(field), hello[names].map((name) => ({ value: name, text: name.replaceAll("_", " ") })));
    }
    fillSelect(this.#preset, [
      { value: "", text: "my own" },
      ...hello.presets.map(({ name, title }) => ({ value: name, text: title })),
    ]);
    this.#showPreset();
  }

  /**
   * Put settings into the form.
   * @param {object} settings
   * @param {string} [preset] Name of the preset from which the settings come.
   */
  fill(settings, preset = this.preset) {
    this.#preset.value = preset;
    for (const [name, value] of Object.entries(settings)) {
      const field = this.#field(name);
      if (field) field.value = value ?? "";
    }
    this.#showPreset();
    this.#showWhetherUsed();
  }

  /**
   * Set the settings of the network. They replace the settings in the form, unless the user has changed the form.
   * @param {object} settings
   */
  setUsed(settings) {
    const keep = this.isChanged;
    this.#used = settings;
    if (!keep) this.fill(settings);
    this.#showWhetherUsed();
    this.writeAddress();
  }

  /** Set the settings of a new network, as the server has returned them. */
  accept(settings) {
    this.#used = settings;
    this.fill(settings);
    this.writeAddress();
  }

  /** Set the learning rate with which training continues. */
  setEta(eta) {
    if (!this.#used || this.#used.eta === eta) return;
    this.#used = { ...this.#used, eta };
    if (document.activeElement !== this.#field("eta")) this.#field("eta").value = eta;
    this.#showWhetherUsed();
    this.writeAddress();
  }

  /** @returns {object} The settings in the form. Disabled fields, and empty fields except `layers`, are left out. */
  read() {
    const settings = {};
    for (const [name, example] of Object.entries(this.#hello.defaults)) {
      const field = this.#field(name);
      if (!field || field.disabled || (field.value.trim() === "" && name !== "layers")) continue;
      settings[name] = asSetting(field.value, example ?? 0);
    }
    return settings;
  }

  /**
   * Show an error message at the field of a setting.
   * @param {string} text
   * @param {?string} name Name of the setting, if there is one.
   */
  showProblem(text, name) {
    const field = name && this.#field(name);
    setText(byId(field ? `problem-${name}` : "problem-form"), text);
    if (!field) return;
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }

  /** Remove all error messages. */
  clearProblems() {
    for (const place of this.#form.querySelectorAll(".problem")) setText(place, "");
    for (const field of this.#form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  }

  /** Write the settings in the form into the page's address. */
  writeAddress() {
    const fragment = toFragment(this.read(), this.preset, this.#hello);
    const address = location.pathname + location.search + (fragment && `#${fragment}`);
    history.replaceState(null, "", address);
  }

  #field(name) {
    return byId(`field-${name}`);
  }

  /** Return the names of the settings that differ from those of the network. */
  #differences() {
    const settings = { ...this.#hello.defaults, ...this.read() };
    return Object.keys(settings).filter(
      (name) => name in this.#used && !this.#field(name)?.disabled && String(settings[name]) !== String(this.#used[name]),
    );
  }

  #changed(field) {
    this.clearProblems();
    this.#showWhetherUsed();
    const differences = this.#differences();
    if (field.name === "eta" && String(differences) === "eta") this.#actions.onEta(this.read().eta);
    this.writeAddress();
  }

  #choosePreset() {
    this.clearProblems();
    this.fill(withPreset(this.preset, this.#hello));
    this.#actions.onUse();
  }

  #showPreset() {
    const preset = this.#hello?.presets.find(({ name }) => name === this.preset);
    const chapter = preset?.chapter ? `Chapter ${preset.chapter}. ` : "";
    const text = preset ? chapter + preset.text : "Choose an experiment of the book, or change the settings.";
    setText(byId("preset-text"), text);
  }

  #showWhetherUsed() {
    this.#field("momentum").disabled = !WITH_MOMENTUM.has(this.#field("optimizer").value);
    const isChanged = this.isChanged;
    byId("apply").classList.toggle("main", isChanged);
    const changed = "The settings have changed. The button Run makes a new network with these settings.";
    setText(byId("form-note"), isChanged ? changed : "The network has these settings.");
  }

  async #copyAddress() {
    this.writeAddress();
    const address = location.origin + location.pathname + location.hash;
    try {
      await navigator.clipboard.writeText(address);
      setText(byId("form-note"), "The address is copied.");
    } catch {
      setText(byId("form-note"), `The browser does not allow copying. The address is ${address}`);
    }
  }
}
