/** The panel of one neuron: its incoming weights, and the test digits with its largest activations. */

import { Latest } from "./connection.js";
import { ink } from "./colours.js";
import { byId, make, setText } from "./dom.js";
import { activation as write, decimal } from "./numbers.js";
import { largest, Tiles } from "./tiles.js";

/** The panel. At most one neuron is open. */
export class NeuronPanel {
  #panel = byId("neuron-panel");
  #latest;
  #layers = [];
  #open = null;
  #opener = null;
  #header = null;
  #topDigits = [];
  #digits = null;
  #weights = new Tiles(byId("neuron-weights"), { label: "Incoming weights", maxHeight: 200, maxTile: 200 });
  #onChange;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {(neuron: ?{layer: number, index: number}) => void} onChange Called with the open neuron, or null.
   */
  constructor(connection, onChange) {
    this.#latest = new Latest(connection);
    this.#onChange = onChange;
    connection.on("neuron", (frame) => this.#show(frame));
    byId("close-neuron").addEventListener("click", () => this.close());
    for (let i = 0; i < 8; i++) {
      const canvas = make("canvas", { width: 28, height: 28 });
      const caption = make("span", { className: "note" });
      byId("top-activations").append(make("li", {}, canvas, caption));
      this.#topDigits.push({ context: canvas.getContext("2d"), caption });
    }
  }

  /** The open neuron; null if no neuron is open. */
  get neuron() {
    return this.#open;
  }

  /** @param {object} network The header of a `network` frame. If the network lacks the neuron, the panel closes. */
  setNetwork({ layers }) {
    this.#layers = layers;
    if (!this.#open) return;
    const { layer, index } = this.#open;
    if (layers[layer]?.weights && index < layers[layer].shape[0]) this.again();
    else this.#hide();
  }

  /**
   * Open a neuron.
   * @param {number} layer
   * @param {number} index
   */
  open(layer, index) {
    if (!this.#panel.contains(document.activeElement)) this.#opener = document.activeElement;
    this.#open = { layer, index };
    this.#header = null;
    this.#weights.clear();
    setText(byId("neuron-numbers"), "");
    const unit = this.#layers[layer].kind === "convolution" ? "Filter" : "Neuron";
    setText(byId("neuron-title"), `${unit} ${index} of layer ${layer}`);
    this.#panel.hidden = false;
    this.#onChange(this.#open);
    this.again();
    this.#panel.focus({ preventScroll: true });
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#panel.scrollIntoView({ block: "nearest", behavior: isStill ? "auto" : "smooth" });
  }

  /** Close the panel. The focus goes back to the element that opened the panel. */
  close() {
    if (!this.#open) return;
    this.#hide();
    this.#opener?.focus({ preventScroll: true });
  }

  /** Ask the server for the open neuron again, because the network has changed. */
  again() {
    if (this.#open) this.#latest.send(() => this.#open && { type: "neuron", ...this.#open });
  }

  /** Show the open neuron's activation. @param {Object<string, Float32Array>} arrays Activations of a new image. */
  seen(arrays) {
    const values = this.#open && this.#header && arrays[`activation_${this.#open.layer}`];
    if (!values || this.#layers[this.#open.layer].shape.length !== 1) return;
    this.#showNumbers(values[this.#open.index]);
  }

  /** Draw again, in the colours of the theme. */
  refresh() {
    this.#weights.refresh();
    if (this.#digits) this.#drawDigits();
  }

  #show({ header, arrays, shapes }) {
    if (header.layer !== this.#open?.layer || header.index !== this.#open.index) return;
    this.#header = header;
    this.#showNumbers(header.activation);
    const limit = largest(arrays.weights);
    this.#weights.arrange(...this.#tilesOf(shapes.weights, header.layer));
    this.#weights.show(arrays.weights, limit);
    setText(byId("neuron-low"), decimal(-limit));
    setText(byId("neuron-high"), decimal(limit));
    this.#digits = arrays.top_images;
    this.#drawDigits();
    this.#topDigits.forEach(({ caption }, i) => {
      setText(caption, `${arrays.top_labels[i]}: ${write(arrays.top_activations[i])}`);
    });
  }

  #hide() {
    this.#open = null;
    this.#panel.hidden = true;
    this.#onChange(null);
  }

  #showNumbers(activation) {
    const now = activation === null || activation === undefined ? "" : `, activation ${write(activation)}`;
    setText(byId("neuron-numbers"), `bias ${decimal(this.#header.bias)}${now}`);
  }

  /**
   * Return the number, height and width of the tiles: a tile for each map or image that the neuron reads, otherwise a
   * tile for each weight.
   */
  #tilesOf(shape, layer) {
    if (shape.length === 3) return shape;
    if (shape.length === 2) return [1, ...shape];
    const before = this.#layers[layer - 1].shape;
    const isImage = before.length === 3 && before[0] * before[1] * before[2] === shape[0];
    return isImage ? before : [shape[0], 1, 1];
  }

  #drawDigits() {
    this.#topDigits.forEach(({ context }, i) => {
      const data = context.createImageData(28, 28);
      const colours = new Uint32Array(data.data.buffer);
      for (let k = 0; k < 784; k++) colours[k] = ink[this.#digits[784 * i + k]];
      context.putImageData(data, 0, 0);
    });
  }
}
