/** The switch "which pixels matter", and the choice of the output. */

import { Latest } from "./connection.js";
import { byId } from "./dom.js";

/** Asks for the map after each image, while the switch is on. */
export class PixelMap {
  #switch = byId("map-switch");
  #output = byId("map-output");
  #latest;
  #inputImage;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {import("./input.js").InputImage} inputImage Object that draws the map.
   */
  constructor(connection, inputImage) {
    this.#latest = new Latest(connection);
    this.#inputImage = inputImage;
    for (let digit = 0; digit < 10; digit++) this.#output.append(new Option(String(digit), String(digit)));
    connection.on("map", ({ header, arrays }) => {
      if (this.#switch.checked) this.#inputImage.showMap(arrays.gradient, header.output);
    });
    this.#output.addEventListener("change", () => {
      this.#switch.checked = true;
      this.again();
    });
    this.#switch.addEventListener("change", () => {
      if (this.#switch.checked) this.again();
      else this.#inputImage.showMap(null, null);
    });
  }

  /** Ask for a new map, because the image or the network has changed. */
  again() {
    if (!this.#switch.checked) return;
    const output = this.#output.value === "" ? null : Number(this.#output.value);
    this.#latest.send(() => ({ type: "map", output }));
  }
}
