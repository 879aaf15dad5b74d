/** The picture that the network reads: the drawing on the pad, or a test digit. */

import { byId, setText } from "./dom.js";
import { Latest } from "./connection.js";
import { count, known } from "./numbers.js";
import { SIZE } from "./pad.js";

/** Asks the server for the network's answer to the picture, one picture at a time, and pages through test digits. */
export class Picture {
  #latest;
  #pad;
  #order = byId("digit-order");
  #position = -1;
  #count = 10_000;
  #index = 0;
  #isDrawing = false;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {import("./pad.js").Pad} pad
   */
  constructor(connection, pad) {
    this.#latest = new Latest(connection);
    this.#pad = pad;
    byId("next-digit").addEventListener("click", () => this.page(1));
    byId("previous-digit").addEventListener("click", () => this.page(-1));
    this.#order.addEventListener("change", () => {
      this.#position = -1;
      this.page(1);
    });
  }

  /** Ask for the answer to the drawing, because the drawing has changed. */
  draw() {
    this.#isDrawing = true;
    this.#latest.send(() => ({ type: "drawing", pixels: this.#pad.pixels(), width: SIZE, height: SIZE }));
  }

  /**
   * Go to another test digit.
   * @param {number} by 1 for the next, -1 for the previous.
   */
  page(by) {
    const from = this.#position < 0 && by < 0 ? 0 : this.#position;
    this.#position = (from + by + this.#count) % this.#count;
    this.#isDrawing = false;
    const message = { type: "digit", order: this.#order.value, position: this.#position };
    this.#latest.send(() => message);
  }

  /** Ask again for the answer to the same picture, because the network has changed. A test digit keeps its index. */
  again() {
    if (this.#isDrawing) this.draw();
    else {
      const message = { type: "digit", order: "all", position: this.#index };
      this.#latest.send(() => message);
    }
  }

  /**
   * Show the test digit with its label and the network's answer, or say that the pad shows the drawing.
   * @param {import("./frames.js").Frame} frame Of the type `seen`.
   */
  seen({ header, arrays }) {
    const text = byId("digit-text");
    if (header.index === null || header.index === undefined) {
      setText(text, "The pad shows your drawing.");
      setText(byId("label-text"), "");
      text.classList.remove("wrong");
      return;
    }
    if (this.#isDrawing) return;
    this.#index = header.index;
    this.#count = header.count;
    this.#pad.showDigit(arrays.image);
    const isRight = header.digit === header.label;
    const number = `Number ${count(header.index)} of ${count(header.count)}`;
    const answer = `label ${header.label}, answer ${header.digit ?? "none"} – ${isRight ? "right" : "wrong"}`;
    const wrong = known(header.wrong) ? ` ${count(header.wrong)} answers are wrong.` : "";
    setText(text, `${number}: ${answer}.${wrong}`);
    setText(byId("label-text"), `Test digit ${count(header.index)}: label ${header.label}`);
    text.classList.toggle("wrong", !isRight);
  }
}
