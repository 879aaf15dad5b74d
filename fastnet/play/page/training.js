/** Training: the buttons, the numbers, the curves, and the weights of the first layer. */

import { Chart } from "./curves.js";
import { byId, setText } from "./dom.js";
import { count, decimal, known, percent } from "./numbers.js";
import { Tiles } from "./tiles.js";

/** The view "Train" without the form for the settings. */
export class Training {
  #connection;
  #actions;
  #state = { running: false, epoch: 0, mini_batch: 0, mini_batches: 0 };
  #layers = [];
  #firstLayer = 1;
  #isBusy = false;
  #cost = new Chart(byId("chart-cost"), { title: "Cost of the mini-batches", write: decimal });
  #accuracy = new Chart(byId("chart-accuracy"), {
    title: "Accuracy in percent",
    write: (y) => y.toFixed(2),
    top: 100,
  });
  #norms = new Chart(byId("chart-norms"), {
    title: "Norm of the gradient of each layer, on a logarithmic axis",
    write: (y) => y.toExponential(1).replace("-", "−"),
    logarithmic: true,
  });
  #weights;

  /**
   * @param {import("./connection.js").Connection} connection
   * @param {object} actions
   * @param {() => Promise<boolean>} actions.prepare Called before training goes on; returns whether training may go on.
   * @param {(layer: number, index: number) => void} actions.onOpen Called when a neuron is to be opened.
   */
  constructor(connection, actions) {
    this.#connection = connection;
    this.#actions = actions;
    this.#weights = new Tiles(byId("first-weights"), {
      label: "Weights of the first layer, one image for each neuron. Arrow keys choose one, Enter opens it.",
      maxHeight: 300,
      maxTile: 84,
      name: (i) => `neuron ${i}`,
      onOpen: (index) => actions.onOpen(this.#firstLayer, index),
    });
    byId("run").addEventListener("click", () => this.runOrPause());
    byId("step-mini-batch").addEventListener("click", () => this.#step("mini-batch"));
    byId("step-epoch").addEventListener("click", () => this.#step("epoch"));
    byId("restart").addEventListener("click", () => connection.ask({ type: "restart" }));
  }

  /** Whether the network is being trained. */
  get isRunning() {
    return this.#state.running;
  }

  /** Whether training has begun. */
  get hasBegun() {
    return this.#state.epoch > 0 || this.#state.mini_batch > 0;
  }

  /** Start or pause the training. */
  async runOrPause() {
    if (this.#state.running) this.#connection.ask({ type: "pause" });
    else if (await this.#actions.prepare()) this.#connection.ask({ type: "run" });
  }

  /** @param {object} network The header of a `network` frame. */
  setNetwork({ layers, settings }) {
    this.#layers = layers.map((layer, number) => ({ ...layer, number })).filter(({ weights }) => weights);
    this.#firstLayer = this.#layers[0]?.number ?? 1;
    setText(byId("first-layer"), `layer ${this.#firstLayer}`);
    this.#arrangeWeights();
    if (!this.hasBegun) this.#showMiniBatches(Math.ceil(settings.samples / settings.mini_batch_size));
  }

  /**
   * Remove all measurements, because another network begins.
   * @param {object} settings The settings of the other network.
   */
  clear({ samples, mini_batch_size }) {
    const mini_batches = Math.ceil(samples / mini_batch_size);
    this.setState({ running: false, epoch: 0, mini_batch: 0, mini_batches, diverged: null });
    this.#clearMeasured();
  }

  /** @param {object} state The header of a `state` or a `progress` frame. */
  setState(state) {
    if (place(state) === 0 && this.hasBegun) this.#clearMeasured(); // a late `progress` may have come after the restart
    this.#state = { ...this.#state, ...state };
    setText(byId("epoch"), count(state.epoch));
    setText(byId("mini-batch"), count(state.mini_batch));
    if (state.mini_batches) this.#showMiniBatches(state.mini_batches);
    setText(byId("run"), state.running ? "Pause" : "Run");
    setText(byId("diverged"), state.diverged ?? "");
  }

  /** @param {import("./frames.js").Frame} frame Of the type `progress`. */
  progress({ header, arrays, shapes }) {
    if (header.curves) this.#resume(header.curves);
    this.setState(header);
    const x = place(header);
    this.#cost.add("", x, header.cost);
    const when = header.measured_at ?? x; // training has continued since the measurement
    if (known(header.test_accuracy)) this.#accuracy.add("test", when, 100 * header.test_accuracy);
    if (known(header.training_accuracy)) this.#accuracy.add("training", when, 100 * header.training_accuracy);
    header.gradient_norms?.forEach((norm, i) => this.#norms.add(`layer ${this.#layers[i]?.number ?? i + 1}:`, when, norm));
    if (known(header.cost)) setText(byId("cost"), decimal(header.cost));
    if (known(header.test_accuracy)) setText(byId("test-accuracy"), percent(header.test_accuracy));
    if (known(header.training_accuracy)) setText(byId("training-accuracy"), percent(header.training_accuracy));
    if (known(header.samples_per_second)) setText(byId("samples-per-second"), count(header.samples_per_second));
    if (known(header.seconds)) setText(byId("seconds"), `${header.seconds.toFixed(2)} s`);
    if (arrays.weights) this.#showWeights(arrays.weights, shapes.weights);
  }

  /** Draw again, in the colours of the theme. */
  refresh() {
    for (const drawn of [this.#cost, this.#accuracy, this.#norms, this.#weights]) drawn.refresh();
  }

  async #step(unit) {
    if (this.#isBusy || !(await this.#actions.prepare())) return;
    this.#isBusy = true;
    const button = byId(`step-${unit}`);
    button.setAttribute("aria-busy", "true");
    await this.#connection.ask({ type: "step", unit });
    button.removeAttribute("aria-busy");
    this.#isBusy = false;
  }

  #showMiniBatches(n) {
    setText(byId("mini-batches"), `of ${count(n)}`);
  }

  /** Arrange tiles for the weights of the first layer: at most 64 images, of 28 x 28 pixels or of a filter's size. */
  #arrangeWeights() {
    const { kind, weights } = this.#layers[0];
    const size = kind === "convolution" ? weights.slice(-2) : [28, 28];
    this.#weights.arrange(Math.min(weights[0], 64), ...size);
  }

  #showWeights(weights, shape) {
    setText(byId("first-note"), "Each image has its own colour scale.");
    this.#weights.arrange(...shape);
    this.#weights.show(weights, 127);
  }

  /** Draw the curves of a training that continued while the page was not connected. */
  #resume({ epoch, cost, test_accuracy }) {
    this.#clearMeasured();
    epoch.forEach((x, i) => {
      this.#cost.add("", x, cost[i]);
      if (known(test_accuracy[i])) this.#accuracy.add("test", x, 100 * test_accuracy[i]);
    });
  }

  #clearMeasured() {
    this.#weights.clear();
    setText(byId("first-note"), "The weights appear when the network learns.");
    for (const chart of [this.#cost, this.#accuracy, this.#norms]) chart.clear();
    for (const id of ["cost", "training-accuracy", "samples-per-second", "seconds"]) setText(byId(id), "–");
  }
}

/** @returns {number} Number of completed epochs, with the completed part of the current epoch. */
const place = ({ epoch, mini_batch, mini_batches }) => epoch + (mini_batches ? mini_batch / mini_batches : 0);
