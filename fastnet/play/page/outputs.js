/** The ten outputs as bars, with digits and percentages. */

import { make, setText } from "./dom.js";

/** Ten rows. Each row is a button that opens the neuron of the output. */
export class Outputs {
  #rows;

  /**
   * @param {HTMLElement} list
   * @param {(index: number) => void} onOpen
   */
  constructor(list, onOpen) {
    this.#rows = Array.from({ length: 10 }, (_, digit) => {
      const fill = make("span", { className: "fill" });
      const share = make("span", { className: "share", textContent: "–" });
      const button = make(
        "button",
        { type: "button", id: `output-${digit}`, title: `Open the neuron of ${digit}` },
        make("span", { className: "digit", textContent: String(digit) }),
        make("span", { className: "bar" }, fill),
        share,
      );
      button.addEventListener("click", () => onOpen(digit));
      list.append(make("li", {}, button));
      return { button, fill, share };
    });
  }

  /** @param {Float32Array} probabilities Ten probabilities. */
  show(probabilities) {
    let best = 0;
    for (let i = 1; i < 10; i++) if (probabilities[i] > probabilities[best]) best = i;
    this.#rows.forEach(({ button, fill, share }, i) => {
      const p = probabilities[i];
      fill.style.transform = `scaleX(${p.toFixed(4)})`;
      setText(share, `${(100 * p).toFixed(1)} %`);
      button.classList.toggle("best", i === best);
    });
  }

  /** @param {number} index Index of the output whose neuron is open, or -1. */
  mark(index) {
    this.#rows.forEach(({ button }, i) => button.classList.toggle("open", i === index));
  }
}
