/** Values over time. Neighbouring values are averaged to limit the number of points; the curve looks the same. */

const MOST = 2000;

/**
 * Points of a curve. If there are too many points, each pair of neighbouring points is replaced by the second point,
 * with the mean of the pair's values.
 */
export class Series {
  /** @type {number[]} */ xs = [];
  /** @type {number[]} */ ys = [];
  #each = 1;
  #sum = 0;
  #taken = 0;
  #end = -Infinity;

  /** The last value that was added, not averaged; undefined if no value was added. */
  last = undefined;

  /**
   * Add a point. A point that is not after the last point, or whose value is not a finite number, is left out.
   * @param {number} x
   * @param {?number} y
   */
  add(x, y) {
    if (!Number.isFinite(y) || x <= this.#end) return;
    this.#end = x;
    this.last = y;
    this.#sum += y;
    if (++this.#taken < this.#each) return;
    this.xs.push(x);
    this.ys.push(this.#sum / this.#taken);
    this.#sum = this.#taken = 0;
    if (this.xs.length >= MOST) this.#thin();
  }

  #thin() {
    this.xs = this.xs.filter((_, i) => i % 2 === 1);
    this.ys = this.xs.map((_, i) => (this.ys[2 * i] + this.ys[2 * i + 1]) / 2);
    this.#each *= 2;
  }
}
