/** What the network sees, 28 x 28 pixels, and over it the map of the pixels that matter. */

import { ink, mix, signed, STEPS } from "./colours.js";
import { setText } from "./dom.js";
import { largest } from "./tiles.js";

const PIXELS = 28 * 28;

/** The image as the network sees it. With a map, the image is paler, and each pixel has the colour of its derivative. */
export class Sight {
  #context;
  #data;
  #colours;
  #image = new Float32Array(PIXELS);
  #gradient = null;
  #text;

  /**
   * @param {HTMLCanvasElement} canvas Of 28 x 28 pixels.
   * @param {HTMLElement} text Says what the colours of the map mean.
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
   * Lay a map over the image, or take it away.
   * @param {?Float32Array} gradient Derivative of an output with respect to each pixel.
   * @param {?number} output Which output that is.
   */
  showMap(gradient, output) {
    this.#gradient = gradient;
    setText(
      this.#text,
      gradient ? `Orange: more ink there raises the output for ${output}. Blue: it lowers it.` : "",
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
