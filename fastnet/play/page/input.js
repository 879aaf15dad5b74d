/** The network's input, 28 x 28 pixels, and the map of the pixels that matter. */

import { ink, mix, signed, STEPS } from "./colours.js";
import { setText } from "./dom.js";
import { largest } from "./tiles.js";

const PIXELS = 28 * 28;

/** The network's input. With a map, the image is paler, and the colour of a pixel shows the output's derivative. */
export class InputImage {
  #context;
  #data;
  #colours;
  #image = new Float32Array(PIXELS);
  #gradient = null;
  #text;

  /**
   * @param {HTMLCanvasElement} canvas Of 28 x 28 pixels.
   * @param {HTMLElement} text Element that explains the map's colours.
   */
  constructor(canvas, text) {
    this.#context = canvas.getContext("2d");
    this.#data = this.#context.createImageData(28, 28);
    this.#colours = new Uint32Array(this.#data.data.buffer);
    this.#text = text;
  }

  /** @param {Float32Array} image Values from 0 to 1. */
  show(image) {
    this.#image = image;
    this.refresh();
  }

  /**
   * Draw a map over the image, or remove the map.
   * @param {?Float32Array} gradient Derivative of an output with respect to each pixel; null for no map.
   * @param {?number} output Index of the output.
   */
  showMap(gradient, output) {
    this.#gradient = gradient;
    setText(
      this.#text,
      gradient ? `Orange: more ink raises output ${output}. Blue: more ink lowers output ${output}.` : "",
    );
    this.refresh();
  }

  /** Draw again. */
  refresh() {
    const gradient = this.#gradient;
    const scale = gradient ? 1 / (largest(gradient) || 1) : 0;
    for (let i = 0; i < PIXELS; i++) {
      const value = Math.max(0, Math.min(1, this.#image[i]));
      if (gradient) {
        const part = gradient[i] * scale;
        const under = ink[Math.round(110 * value)];
        this.#colours[i] = mix(under, signed[Math.round(part * STEPS) + STEPS], Math.sqrt(Math.abs(part)));
      } else this.#colours[i] = ink[Math.round(255 * value)];
    }
    this.#context.putImageData(this.#data, 0, 0);
  }
}
