/** Curves on a canvas, with axes, units, and the last value at the end of each curve. */

import { colour } from "./colours.js";
import { oncePerFrame } from "./dom.js";
import { Series } from "./series.js";

const MARGIN = { left: 48, right: 88, top: 10, bottom: 34 };

/** Styles of the lines, in their order: the name of the colour, and the lengths of dashes and gaps. */
const STYLES = [
  ["--line-1", []],
  ["--line-2", [6, 3]],
  ["--line-3", [2, 3]],
  ["--line-4", [9, 3, 2, 3]],
  ["--line-5", []],
  ["--line-6", [6, 3]],
];

/** A chart with one or more lines over the epochs. */
export class Chart {
  #canvas;
  #context;
  #options;
  #lines = new Map();
  #describing = 0;
  #draw = oncePerFrame(() => this.#drawAll());

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {object} options
   * @param {string} options.title Title for screen readers.
   * @param {(value: number) => string} options.write Returns a value as text.
   * @param {boolean} [options.logarithmic] Whether the vertical axis is logarithmic.
   * @param {number} [options.top] Largest possible value.
   */
  constructor(canvas, options) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#options = options;
    canvas.setAttribute("aria-label", `${options.title}: no values yet`);
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  /**
   * Add a point to a line; the line is created if there is no line of this name.
   * @param {string} name
   * @param {number} x Number of epochs.
   * @param {?number} y
   */
  add(name, x, y) {
    if (!Number.isFinite(y) || (this.#options.logarithmic && y <= 0)) return;
    if (!this.#lines.has(name)) this.#lines.set(name, new Series());
    this.#lines.get(name).add(x, y);
    this.#draw();
  }

  /** Remove all lines. */
  clear() {
    this.#lines.clear();
    this.#draw();
  }

  /** Draw again, in the colours of the theme. */
  refresh() {
    this.#draw();
  }

  #fit() {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = Math.round(clientWidth * devicePixelRatio);
    this.#canvas.height = Math.round(clientHeight * devicePixelRatio);
    this.#drawAll();
  }

  #drawAll() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!width || !height) return;
    const context = this.#context;
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `12px ${getComputedStyle(this.#canvas).fontFamily}`;
    context.lineWidth = 1;
    const area = {
      left: MARGIN.left,
      right: width - MARGIN.right,
      top: MARGIN.top,
      bottom: height - MARGIN.bottom,
    };
    const axes = this.#axes(area);
    this.#drawAxes(area, axes);
    this.#drawLines(area, axes);
    this.#describe();
  }

  /** Return the ticks, and functions that convert values to coordinates of the canvas. */
  #axes(area) {
    const { logarithmic, top } = this.#options;
    let [low, high, end] = [Infinity, -Infinity, 0];
    for (const { xs, ys } of this.#lines.values()) {
      for (const y of ys) {
        if (y < low) low = y;
        if (y > high) high = y;
      }
      end = Math.max(end, xs.at(-1) ?? 0);
    }
    if (low > high) [low, high] = logarithmic ? [1e-3, 1] : [0, top ?? 1];
    let yTicks;
    if (logarithmic) {
      [low, high] = [Math.floor(Math.log10(low)), Math.max(Math.ceil(Math.log10(high)), Math.floor(Math.log10(low)) + 1)];
      const step = Math.ceil((high - low) / 5);
      yTicks = Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => 10 ** (low + i * step));
    } else {
      if (top === undefined) low = Math.min(0, low);
      else high = top;
      if (high - low < 1e-9) low = high - 1;
      yTicks = ticks(low, high, 5);
      const step = yTicks[1] - yTicks[0];
      if (low < yTicks[0]) yTicks.unshift(yTicks[0] - step);
      if (high > yTicks.at(-1) + 1e-9) yTicks.push(yTicks.at(-1) + step);
      [low, high] = [yTicks[0], top ?? yTicks.at(-1)];
      yTicks = yTicks.filter((tick) => tick <= high + 1e-9);
    }
    const xEnd = end || 1;
    const scale = logarithmic ? Math.log10 : (y) => y;
    return {
      xTicks: ticks(0, xEnd, Math.max(2, Math.floor((area.right - area.left) / 60))),
      yTicks,
      xOf: (x) => area.left + (x / xEnd) * (area.right - area.left),
      yOf: (y) => area.bottom - ((scale(y) - low) / (high - low)) * (area.bottom - area.top),
    };
  }

  #drawAxes(area, { xTicks, yTicks, xOf, yOf }) {
    const context = this.#context;
    context.fillStyle = colour("--muted");
    context.strokeStyle = colour("--line");
    context.setLineDash([]);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of yTicks) {
      const y = Math.round(yOf(tick)) + 0.5;
      this.#stroke([area.left, y], [area.right, y]);
      context.fillText(this.#options.logarithmic ? power(tick) : short(tick), area.left - 6, y);
    }
    context.textAlign = "center";
    context.textBaseline = "top";
    for (const tick of xTicks) {
      const x = Math.round(xOf(tick)) + 0.5;
      this.#stroke([x, area.bottom], [x, area.bottom + 4]);
      context.fillText(short(tick), x, area.bottom + 6);
    }
    context.textAlign = "left";
    context.fillText("epochs", area.right + 20, area.bottom + 6);
  }

  #drawLines(area, { xOf, yOf }) {
    const context = this.#context;
    const labels = [];
    let i = 0;
    for (const [name, { xs, ys, last }] of this.#lines) {
      const [style, dashes] = STYLES[i++ % STYLES.length];
      context.strokeStyle = context.fillStyle = colour(style);
      context.setLineDash(dashes);
      context.lineWidth = 2;
      context.beginPath();
      for (let k = 0; k < xs.length; k++) context.lineTo(xOf(xs[k]), yOf(ys[k]));
      context.stroke();
      if (!xs.length) continue;
      if (xs.length === 1) context.fillRect(xOf(xs[0]) - 2, yOf(ys[0]) - 2, 4, 4);
      labels.push({ y: yOf(ys.at(-1)), style, text: `${name} ${this.#options.write(last)}`.trim() });
    }
    context.setLineDash([]);
    this.#drawLabels(labels, area);
  }

  /** Write the last value of each line beside its end. Values that would overlap are moved apart. */
  #drawLabels(labels, area) {
    const distance = 15;
    labels.sort((a, b) => a.y - b.y);
    let lowest = area.top;
    for (const label of labels) {
      label.y = Math.max(label.y, lowest);
      lowest = label.y + distance;
    }
    let highest = area.bottom - 2;
    for (const label of labels.reverse()) {
      label.y = Math.min(label.y, highest);
      highest = label.y - distance;
    }
    const context = this.#context;
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (const { y, style, text } of labels) {
      context.fillStyle = colour(style);
      context.fillText(text, area.right + 8, y, MARGIN.right - 8);
    }
  }

  #stroke([x0, y0], [x1, y1]) {
    this.#context.beginPath();
    this.#context.moveTo(x0, y0);
    this.#context.lineTo(x1, y1);
    this.#context.stroke();
  }

  /** Describe the last values for screen readers, at most once a second. */
  #describe() {
    this.#describing ||= setTimeout(() => {
      this.#describing = 0;
      const parts = Array.from(this.#lines, ([name, { last }]) => `${name} ${this.#options.write(last)}`.trim());
      this.#canvas.setAttribute("aria-label", `${this.#options.title}: ${parts.join(", ") || "no values yet"}`);
    }, 1000);
  }
}

/** Return multiples of a round step from `low` to `high`, about `most` or fewer. */
function ticks(low, high, most) {
  const rough = (high - low) / most;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * [1, 2, 5, 10].find((factor) => factor * size >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
  return found;
}

/** Write a tick without insignificant digits. */
const short = (x) => Number(x.toPrecision(6)).toLocaleString("en-US", { maximumFractionDigits: 4 }).replace("-", "−");

/** Write a power of ten as a number if it is short, and with an exponent otherwise. */
const power = (x) => (x >= 0.001 && x <= 1000 ? short(x) : x.toExponential(0).replace("e+", "e").replace("-", "−"));
