/** The section "Break the network": scale weights, add noise, remove neurons, and see how the accuracy changes. */

import { byId, fillSelect, make, setText } from "./dom.js";
import { known, percent } from "./numbers.js";

/** The section "Break the network". */
export class Breaking {
  #connection;
  #neuron = null;
  #before = null;
  #isBroken = false;

  /** @param {import("./connection.js").Connection} connection */
  constructor(connection) {
    this.#connection = connection;
    for (const id of ["break-amount", "break-deviation"]) {
      byId(id).addEventListener("input", () => setText(byId(`${id}-text`), Number(byId(id).value).toFixed(2)));
    }
    const amount = (id) => ({ amount: Number(byId(id).value) });
    byId("break-scale").addEventListener("click", () => this.#do("scale", amount("break-amount")));
    byId("break-noise").addEventListener("click", () => this.#do("noise", amount("break-deviation")));
    byId("break-zero").addEventListener("click", () => this.#do("zero"));
    byId("break-remove").addEventListener("click", () => this.#do("remove", this.#neuron));
    byId("mend").addEventListener("click", () => connection.ask({ type: "mend" }));
  }

  /** @param {object} network The header of a `network` frame; its accuracy is measured later. */
  setNetwork({ layers, broken }) {
    const options = layers.map(({ text }, i) => ({ value: String(i), text: `${i}: ${text}` }));
    fillSelect(byId("break-layer"), options.filter((_, i) => layers[i].weights));
    this.#isBroken = broken.length > 0;
    if (!this.#isBroken) this.#before = null;
    setText(byId("accuracy-before"), percent(this.#before));
    setText(byId("accuracy-now"), percent(null));
    byId("broken").replaceChildren(...broken.map((sentence) => make("li", { textContent: sentence })));
    byId("mend").disabled = !this.#isBroken;
  }

  /** @param {?number} accuracy Test accuracy, from 0 to 1; null if it has not been measured. */
  setAccuracy(accuracy) {
    if (!known(accuracy)) return;
    setText(byId("accuracy-now"), percent(accuracy));
    if (this.#isBroken) return;
    this.#before = accuracy;
    setText(byId("accuracy-before"), percent(accuracy));
  }

  /** @param {?{layer: number, index: number}} neuron The open neuron; null if no neuron is open. */
  setNeuron(neuron) {
    this.#neuron = neuron;
    const button = byId("break-remove");
    button.disabled = !neuron;
    setText(button, neuron ? `Remove neuron ${neuron.index} of layer ${neuron.layer}` : "Remove the open neuron");
  }

  /** Ask the server to change the chosen layer, or the layer that `members` names. */
  #do(action, members = {}) {
    this.#connection.ask({ type: "break", action, layer: Number(byId("break-layer").value), ...members });
  }
}
