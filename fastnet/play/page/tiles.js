/** Images side by side on one canvas: neurons of a layer as cells, maps, filters, weights. */

import { announce, oncePerFrame } from "./dom.js";
import { colour, signed, STEPS } from "./colours.js";
import { activation } from "./numbers.js";

/**
 * A canvas of tiles in signed colours. A neuron of a dense layer is a tile with one value; a map is a tile with many.
 *
 * If tiles can be opened, the canvas takes the focus. Arrow keys then choose a tile, and Enter, the space bar or a click
 * opens it.
 */
export class Tiles {
  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d");
  #options;
  #n = 0;
  #height = 1;
  #width = 1;
  #columns = 1;
  #zoom = 1;
  #gap = 1;
  #image = null;
  #colours = null;
  #values = null;
  #limit = 1;
  #cursor = 0;
  #pointed = -1;
  #opened = -1;
  #draw = oncePerFrame(() => this.#drawAll());

  /**
   * @param {HTMLElement} container The width of the container determines the number of tiles in a row.
   * @param {object} options
   * @param {string} options.label What the canvas shows.
   * @param {number} [options.maxHeight] Largest height of the canvas, in CSS pixels, except for very many tiles.
   * @param {number} [options.maxTile] Largest width of a tile, in CSS pixels.
   * @param {(index: number) => void} [options.onOpen] Called when a tile is opened; without it, no tile can be opened.
   * @param {(index: number) => void} [options.onPoint] Called with the tile under the pointer; -1 if there is none.
   * @param {(index: number) => string} [options.name] Returns the name of a tile, such as "neuron 4".
   */
  constructor(container, options) {
    this.#options = { maxHeight: 300, maxTile: 200, name: (i) => `${i}`, ...options };
    const canvas = this.#canvas;
    canvas.className = "tiles";
    canvas.setAttribute("role", options.onOpen ? "application" : "img");
    canvas.setAttribute("aria-label", options.label);
    container.replaceChildren(canvas);
    if (options.onOpen) this.#listen();
    this.container = container;
    this.resizing = new ResizeObserver(() => this.#lay());
    this.resizing.observe(container);
  }

  /** The canvas. */
  get canvas() {
    return this.#canvas;
  }

  /**
   * Set the number of tiles, and the number of values along the sides of a tile.
   * @param {number} n
   * @param {number} height
   * @param {number} width
   */
  arrange(n, height, width) {
    if (n === this.#n && height === this.#height && width === this.#width) return;
    [this.#n, this.#height, this.#width] = [n, height, width];
    this.#values = null;
    this.#cursor = Math.min(this.#cursor, n - 1);
    this.#lay();
  }

  /**
   * Show values.
   * @param {Float32Array|Int8Array} values One tile after the other, row by row.
   * @param {number} limit The absolute value that gets the strongest colour.
   */
  show(values, limit) {
    if (values.length !== this.#n * this.#height * this.#width) return;
    this.#values = values;
    this.#limit = limit || 1;
    this.#drawAll();
  }

  /** Show no values: all tiles have the colour of zero. */
  clear() {
    this.#values = null;
    this.#draw();
  }

  /** Draw again, in the colours of the theme. */
  refresh() {
    this.#draw();
  }

  /** @param {number} index Index of the tile to mark as open, or -1. */
  mark(index) {
    this.#opened = index;
    if (index >= 0) this.#cursor = index;
    this.#draw();
  }

  /** Remove the canvas, and stop observing the container. */
  remove() {
    this.resizing.disconnect();
    this.#canvas.remove();
  }

  /** Choose the number of columns for which tiles are largest, and set the size of the canvas. */
  #lay() {
    const available = this.container.clientWidth;
    if (!available || !this.#n) return;
    const ratio = devicePixelRatio;
    this.#gap = Math.max(1, Math.round(ratio * gapFor(this.#width)));
    const most = Math.max(1, Math.floor((this.#options.maxTile * ratio) / this.#width));
    const zoomFor = (columns) => {
      const rows = Math.ceil(this.#n / columns);
      const across = (available * ratio - this.#gap) / columns - this.#gap;
      const down = (this.#options.maxHeight * ratio - this.#gap) / rows - this.#gap;
      return [Math.floor(across / this.#width), Math.floor(down / this.#height)];
    };
    let [best, columns] = [0, 1];
    for (let c = 1; c <= this.#n; c++) {
      const zoom = Math.min(most, ...zoomFor(c));
      if (zoom > best) [best, columns] = [zoom, c];
    }
    if (best === 0) {
      while (columns < this.#n && zoomFor(columns + 1)[0] >= 1) columns++;
      best = 1;
    }
    const rows = Math.ceil(this.#n / columns);
    const width = columns * (this.#width * best + this.#gap) + this.#gap;
    const height = rows * (this.#height * best + this.#gap) + this.#gap;
    [this.#columns, this.#zoom] = [columns, best];
    if (this.#canvas.width !== width || this.#canvas.height !== height || !this.#image) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#canvas.style.width = `${width / ratio}px`;
      this.#canvas.style.height = `${height / ratio}px`;
      this.#image = this.#context.createImageData(width, height);
      this.#colours = new Uint32Array(this.#image.data.buffer);
    } else this.#colours.fill(0);
    this.#drawAll();
  }

  #drawAll() {
    if (!this.#image) return;
    this.#colourTiles();
    this.#context.putImageData(this.#image, 0, 0);
    if (this.#pointed >= 0) this.#outline(this.#pointed, "--muted");
    if (this.#opened >= 0) this.#outline(this.#opened, "--text");
    if (this.#options.onOpen && this.#canvas.matches(":focus-visible")) this.#outline(this.#cursor, "--accent");
  }

  /** Fill the pixels of each value with its colour. */
  #colourTiles() {
    const zoom = this.#zoom;
    const line = this.#canvas.width;
    const scale = STEPS / this.#limit;
    let k = 0;
    for (let tile = 0; tile < this.#n; tile++) {
      const [left, top] = this.#corner(tile);
      for (let y = 0; y < this.#height; y++) {
        const row = (top + y * zoom) * line + left;
        for (let x = 0; x < this.#width; x++) {
          const value = this.#values ? Math.max(-STEPS, Math.min(STEPS, this.#values[k++] * scale)) : 0;
          this.#colours.fill(signed[(value + STEPS + 0.5) | 0], row + x * zoom, row + (x + 1) * zoom);
        }
        for (let copy = 1; copy < zoom; copy++) {
          this.#colours.copyWithin(row + copy * line, row, row + this.#width * zoom);
        }
      }
    }
  }

  #corner(tile) {
    const column = tile % this.#columns;
    const row = (tile - column) / this.#columns;
    return [
      this.#gap + column * (this.#width * this.#zoom + this.#gap),
      this.#gap + row * (this.#height * this.#zoom + this.#gap),
    ];
  }

  #outline(tile, name) {
    const [left, top] = this.#corner(tile);
    const context = this.#context;
    context.strokeStyle = colour(name);
    context.lineWidth = Math.max(2, Math.round(2 * devicePixelRatio));
    context.strokeRect(left - 1, top - 1, this.#width * this.#zoom + 2, this.#height * this.#zoom + 2);
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.tabIndex = 0;
    canvas.setAttribute("aria-roledescription", "grid of neurons");
    canvas.addEventListener("pointermove", (event) => this.#point(this.#at(event)));
    canvas.addEventListener("pointerleave", () => this.#point(-1));
    canvas.addEventListener("click", (event) => {
      const tile = this.#at(event);
      if (tile >= 0) this.#open(tile);
    });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", () => {
      this.#draw();
      if (canvas.matches(":focus-visible")) this.#options.onPoint?.(this.#cursor);
    });
    canvas.addEventListener("blur", () => this.#point(-1));
  }

  #key(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.#columns, ArrowDown: this.#columns };
    const target = { Home: 0, End: this.#n - 1 }[event.key] ?? this.#cursor + (moves[event.key] ?? 0);
    if (event.key === "Enter" || event.key === " ") this.#open(this.#cursor);
    else if (event.key in moves || event.key === "Home" || event.key === "End") {
      if (target >= 0 && target < this.#n) this.#cursor = target;
      this.#options.onPoint?.(this.#cursor);
      announce(this.describe(this.#cursor));
      this.#draw();
    } else return;
    event.preventDefault();
  }

  /** @param {number} tile @returns {string} The tile's name and, if the tile is a single value, the value. */
  describe(tile) {
    const name = this.#options.name(tile);
    const isCell = this.#width === 1 && this.#height === 1;
    return isCell && this.#values ? `${name}: ${activation(this.#values[tile])}` : name;
  }

  #open(tile) {
    this.#cursor = tile;
    this.#options.onOpen(tile);
  }

  #point(tile) {
    if (tile === this.#pointed) return;
    this.#pointed = tile;
    this.#options.onPoint?.(tile);
    this.#draw();
  }

  /** @returns {number} The tile under the pointer, or -1. */
  #at(event) {
    const box = this.#canvas.getBoundingClientRect();
    const place = (at, size) => Math.floor((at * devicePixelRatio - this.#gap / 2) / (size * this.#zoom + this.#gap));
    const column = place(event.clientX - box.left, this.#width);
    const row = place(event.clientY - box.top, this.#height);
    const tile = row * this.#columns + column;
    return column >= 0 && column < this.#columns && row >= 0 && tile < this.#n ? tile : -1;
  }
}

/** @param {number} width Width of a tile. @returns {number} Distance between tiles, in CSS pixels. */
function gapFor(width) {
  if (width === 1) return 2;
  return width < 12 ? 6 : 3;
}

/** @param {ArrayLike<number>} values @returns {number} Their largest absolute value. */
export function largest(values) {
  let found = 0;
  for (let i = 0; i < values.length; i++) {
    const size = Math.abs(values[i]);
    if (size > found) found = size;
  }
  return found;
}
