/** The network as a row of layers: the input, the activations of each hidden layer, and the outputs. */

import { byId, make, setText } from "./dom.js";
import { activation as write } from "./numbers.js";
import { Outputs } from "./outputs.js";
import { largest, Tiles } from "./tiles.js";

/** Largest absolute values of bounded activations. For others, a layer's largest value has the strongest colour. */
const LIMITS = { sigmoid: 1, tanh: 1, softmax: 1 };

const CAN_OPEN = new Set(["dense", "convolution"]);
const isCoarse = matchMedia("(pointer: coarse)").matches;

/** The diagram. It is built once for each network; after that, only canvases, bars and numbers change. */
export class Diagram {
  #container = byId("hidden-layers");
  #outputs;
  #layers = [];
  #hidden = [];
  #built = "";
  #onOpen;

  /** @param {(layer: number, index: number) => void} onOpen Called when a neuron is to be opened. */
  constructor(onOpen) {
    this.#onOpen = onOpen;
    this.#outputs = new Outputs(byId("outputs"), (index) => onOpen(this.#layers.length - 1, index));
  }

  /** @param {object} network The header of a `network` frame. */
  setNetwork({ layers }) {
    this.#layers = layers;
    const last = layers.length - 1;
    setText(byId("output-title"), `Layer ${last}: ${layers[last].text}`);
    const description = JSON.stringify(layers);
    if (description === this.#built) return;
    this.#built = description;
    for (const { tiles } of this.#hidden) tiles.remove();
    this.#hidden = layers.slice(1, -1).map((layer, i) => this.#card(layer, i + 1));
    this.#container.replaceChildren(...this.#hidden.map(({ card }) => card));
    for (const { arrange } of this.#hidden) arrange();
  }

  /**
   * Show the activations of an image.
   * @param {Object<string, Float32Array>} arrays Arrays of a frame: `activation_0`, … and `probabilities`.
   */
  show(arrays) {
    for (const { tiles, note, activation, number } of this.#hidden) {
      const values = arrays[`activation_${number}`];
      if (!values) continue;
      tiles.show(values, LIMITS[activation] ?? largest(values));
      if (note.dataset.pointed === undefined) setText(note, range(values));
      else setText(note, tiles.describe(Number(note.dataset.pointed)));
    }
    if (arrays.probabilities) this.#outputs.show(arrays.probabilities);
  }

  /**
   * Mark the open neuron.
   * @param {?{layer: number, index: number}} neuron
   */
  mark(neuron) {
    for (const { tiles, number } of this.#hidden) tiles.mark(neuron?.layer === number ? neuron.index : -1);
    this.#outputs.mark(neuron && neuron.layer === this.#layers.length - 1 ? neuron.index : -1);
  }

  /** Draw again, in the colours of the theme. */
  refresh() {
    for (const { tiles } of this.#hidden) tiles.refresh();
  }

  /** Build the card of a hidden layer. */
  #card(layer, number) {
    const isImage = layer.shape.length === 3;
    const n = layer.shape[0];
    const unit = isImage ? "map" : "neuron";
    const box = make("div");
    const note = make("p", { className: "note", textContent: "\u00a0" });
    const card = make("figure", { className: `layer ${isImage || n > 60 ? "large" : ""}` });
    card.append(make("figcaption", { textContent: `Layer ${number}: ${layer.text}` }), box, note);
    const tiles = new Tiles(box, {
      label: `Layer ${number}, ${layer.text}: activations of ${n} ${unit}s. Arrow keys choose one, Enter opens it.`,
      maxHeight: isImage ? 260 : 240,
      maxTile: isImage ? 120 : isCoarse ? 44 : 30,
      name: (i) => `${unit} ${i}`,
      onOpen: CAN_OPEN.has(layer.kind) ? (index) => this.#onOpen(number, index) : undefined,
      onPoint: (index) => {
        if (index < 0) delete note.dataset.pointed;
        else {
          note.dataset.pointed = index;
          setText(note, tiles.describe(index));
        }
      },
    });
    tiles.canvas.id = `layer-${number}`;
    const arrange = () => (isImage ? tiles.arrange(...layer.shape) : tiles.arrange(n, 1, 1));
    return { card, tiles, note, arrange, number, activation: layer.activation };
  }
}

/** @returns {string} The smallest and the largest value, as text. */
function range(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return `${write(low)} to ${write(high)}`;
}
