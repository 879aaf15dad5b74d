/** The square pad for drawing a digit, with pen, finger, mouse or keys. */

import { colour } from "./colours.js";
import { announce, oncePerFrame } from "./dom.js";

/** Width and height of the drawing that is sent to the server, in pixels. */
export const SIZE = 112;

/** Width of a stroke, and length of a step with an arrow key, as shares of the pad. */
const STROKE = 1 / 12;
const STEP = 1 / 40;

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * The pad. Strokes are lists of points, with coordinates from 0 to 1. They are drawn twice: on the screen, and on a
 * hidden canvas of SIZE x SIZE pixels, from which the bytes for the server are read.
 */
export class Pad {
  #canvas;
  #screen;
  #small;
  #strokes = [];
  #pen = null;
  #cursor = { x: 0.5, y: 0.5 };
  #isPenDown = false;
  #digit = null;
  #onChange;
  #onPen;
  #draw = oncePerFrame(() => this.#drawAll());

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onChange Called whenever the drawing has changed.
   * @param {(isDown: boolean) => void} onPen Called when a stroke begins and when it ends.
   */
  constructor(canvas, onChange, onPen) {
    this.#canvas = canvas;
    this.#screen = canvas.getContext("2d");
    const hidden = new OffscreenCanvas(SIZE, SIZE);
    this.#small = hidden.getContext("2d", { willReadFrequently: true });
    this.#onChange = onChange;
    this.#onPen = onPen;
    canvas.addEventListener("pointerdown", (event) => this.#pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.#pointerMove(event));
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, (event) => this.#pointerUp(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focus", this.#draw);
    canvas.addEventListener("blur", () => this.#liftPen());
    new ResizeObserver(() => this.#fit()).observe(canvas);
  }

  /** Whether the pad shows neither strokes nor a test digit. */
  get isEmpty() {
    return this.#strokes.length === 0 && this.#digit === null;
  }

  /** Whether there are strokes. */
  get hasStrokes() {
    return this.#strokes.length > 0;
  }

  /** Remove all strokes and the test digit. */
  clear() {
    this.#liftPen();
    this.#digit = null;
    this.#strokes = [];
    this.#changed();
  }

  /** Remove the last stroke. */
  undo() {
    this.#liftPen();
    if (this.#strokes.pop()) this.#changed();
  }

  /**
   * Show a test digit in place of the drawing. The next stroke removes the test digit.
   * @param {?Float32Array} image 28 x 28 values from 0 to 1.
   */
  showDigit(image) {
    this.#liftPen();
    this.#strokes = [];
    this.#digit = image;
    this.#draw();
  }

  /** Draw again, in the colours of the theme. */
  refresh() {
    this.#draw();
  }

  /** @returns {string} The drawing in base64: bytes row by row, 0 = paper, 255 = ink. */
  pixels() {
    this.#small.clearRect(0, 0, SIZE, SIZE);
    drawStrokes(this.#small, this.#strokes, SIZE, "#000");
    const { data } = this.#small.getImageData(0, 0, SIZE, SIZE);
    let bytes = "";
    for (let i = 3; i < data.length; i += 4) bytes += String.fromCharCode(data[i]);
    return btoa(bytes);
  }

  #pointerDown(event) {
    if (event.button !== 0 || this.#pen !== null) return;
    event.preventDefault();
    this.#canvas.focus({ preventScroll: true, focusVisible: false });
    this.#canvas.setPointerCapture(event.pointerId);
    this.#liftPen();
    this.#pen = event.pointerId;
    this.#begin(this.#place(event));
  }

  #pointerMove(event) {
    if (event.pointerId !== this.#pen) return;
    const events = event.getCoalescedEvents?.() ?? [];
    const stroke = this.#strokes.at(-1);
    for (const each of events.length ? events : [event]) stroke.push(this.#place(each));
    this.#changed();
  }

  #pointerUp(event) {
    if (event.pointerId !== this.#pen) return;
    this.#pen = null;
    this.#onPen(false);
  }

  /** Arrows move the pen, the space bar puts it down or lifts it, Delete clears the pad, Backspace undoes a stroke. */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in ARROWS) {
      const [dx, dy] = ARROWS[event.key];
      const move = (x, d) => Math.min(Math.max(x + d * STEP, 0), 1);
      this.#cursor = { x: move(this.#cursor.x, dx), y: move(this.#cursor.y, dy) };
      if (this.#isPenDown) {
        this.#strokes.at(-1).push(this.#cursor);
        this.#changed();
      }
      this.#draw();
    } else if (event.key === " ") {
      if (this.#isPenDown) this.#liftPen();
      else {
        this.#isPenDown = true;
        this.#begin(this.#cursor);
        announce("The pen is down.");
      }
    } else if (event.key === "Escape" && this.#isPenDown) this.#liftPen();
    else if (event.key === "Delete") this.clear();
    else if (event.key === "Backspace") this.undo();
    else return;
    event.preventDefault();
  }

  #begin(point) {
    this.#digit = null;
    this.#strokes.push([point]);
    this.#onPen(true);
    this.#changed();
  }

  #liftPen() {
    if (this.#pen !== null) {
      this.#pen = null;
      this.#onPen(false);
    }
    if (this.#isPenDown) {
      this.#isPenDown = false;
      this.#onPen(false);
      announce("The pen is lifted.");
    }
    this.#draw();
  }

  #changed() {
    this.#draw();
    this.#onChange();
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
  }

  #fit() {
    const size = Math.round(this.#canvas.clientWidth * devicePixelRatio);
    if (size && size !== this.#canvas.width) this.#canvas.width = this.#canvas.height = size;
    this.#drawAll();
  }

  #drawAll() {
    const size = this.#canvas.width;
    this.#screen.clearRect(0, 0, size, size);
    if (this.#digit) drawDigit(this.#screen, this.#digit, size);
    drawStrokes(this.#screen, this.#strokes, size, colour("--ink"));
    if (this.#canvas.matches(":focus-visible")) this.#drawCursor(size);
  }

  /** Draw the position of the keyboard's pen: a ring, filled while the pen is down. */
  #drawCursor(size) {
    const context = this.#screen;
    context.beginPath();
    context.arc(this.#cursor.x * size, this.#cursor.y * size, (STROKE * size) / 2, 0, 2 * Math.PI);
    context.fillStyle = context.strokeStyle = colour("--accent");
    context.lineWidth = size / 100;
    if (this.#isPenDown) context.fill();
    context.stroke();
  }
}

/** Draw strokes as round lines on a square canvas. */
function drawStrokes(context, strokes, size, style) {
  context.lineWidth = STROKE * size;
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = style;
  for (const [first, ...others] of strokes) {
    context.beginPath();
    context.moveTo(first.x * size, first.y * size);
    context.lineTo(first.x * size, first.y * size);
    for (const { x, y } of others) context.lineTo(x * size, y * size);
    context.stroke();
  }
}

/** Draw a test digit on the square canvas. The digit is smoothed, to look different from the network's input. */
function drawDigit(context, image, size) {
  const small = new OffscreenCanvas(28, 28);
  const smallContext = small.getContext("2d");
  const data = smallContext.createImageData(28, 28);
  const [red, green, blue] = colour("--ink").match(/\w\w/g).map((hex) => parseInt(hex, 16));
  for (let i = 0; i < image.length; i++) data.data.set([red, green, blue, 255 * image[i]], 4 * i);
  smallContext.putImageData(data, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, size, size);
}
