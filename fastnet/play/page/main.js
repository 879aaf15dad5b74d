/** The page: creates its parts, and passes on messages of the server. */

import { fromFragment } from "./address.js";
import { Breaking } from "./breaking.js";
import { Connection } from "./connection.js";
import { Diagram } from "./diagram.js";
import { byId, oncePerFrame, setText } from "./dom.js";
import { PixelMap } from "./map.js";
import { NeuronPanel } from "./neuron.js";
import { count, known, percent } from "./numbers.js";
import { Pad } from "./pad.js";
import { Picture } from "./picture.js";
import { SettingsForm } from "./settings.js";
import { InputImage } from "./input.js";
import { setUpTabs } from "./tabs.js";
import { setUpTheme } from "./theme.js";
import { Training } from "./training.js";

/** Number of milliseconds after which the answer, the map and the open neuron are updated while the network learns. */
const REFRESH = 700;

/** Number of performance marks after which they are removed, because the browser would keep all of them. */
const MOST_MARKS = 20_000;

const page = document.documentElement;
const openedWith = location.hash;

setUpTheme(byId("theme"), () => {
  for (const part of [pad, inputImage, diagram, panel, training]) part.refresh();
});

const connection = new Connection(showConnection);
const pad = new Pad(
  byId("pad"),
  () => {
    showPad();
    picture.draw();
  },
  (isDown) => byId("answer-box").setAttribute("aria-busy", String(isDown)),
);
const picture = new Picture(connection, pad);
const inputImage = new InputImage(byId("network-input"), byId("map-text"));
const map = new PixelMap(connection, inputImage);
const breaking = new Breaking(connection);
const panel = new NeuronPanel(connection, (neuron) => {
  diagram.mark(neuron);
  breaking.setNeuron(neuron);
});
const diagram = new Diagram(openNeuron);
const training = new Training(connection, { prepare, onOpen: openNeuron });
const settings = new SettingsForm({ onUse: () => useSettings(), onEta: changeEta });

let network = null;
let isFirst = true;
let seen = null;
let learned = null;
let marks = 0;
let isCompiling = false;
let refreshed = 0;

const showView = setUpTabs([byId("tab-draw"), byId("tab-train")], (view) => {
  if (view === "draw" && network) picture.again();
});

// Messages of the server.

connection.on("hello", ({ header }) => {
  connection.keep(header.session);
  settings.offer(header);
});

connection.on("network", async ({ header }) => {
  const hasConnected = page.dataset.state === "connecting";
  setText(byId("status"), `Connected to fastnet ${settings.hello.version}.`);
  showNetwork(header);
  if (hasConnected) {
    if (header.source === "not trained yet") training.clear(header.settings);
    if (isFirst) {
      isFirst = false;
      await useAddress(openedWith);
    }
    page.dataset.state = "ready";
  }
  if (hasConnected || !header.broken.length) picture.again(); // after a change of weights, the server sends the answer
});

connection.on("seen", (frame) => {
  seen = { frame, arrived: performance.now() };
  showSeen();
});

connection.on("progress", (frame) => {
  if (!network) return;
  learned = frame;
  training.progress(frame);
  breaking.setAccuracy(frame.header.test_accuracy);
  if (frame.arrays.probabilities) showLearned();
  if (known(frame.header.test_accuracy)) network.test_accuracy = frame.header.test_accuracy;
  showSummary();
  refreshWhileLearning(!frame.header.running);
});

connection.on("state", ({ header }) => {
  const hasPaused = training.isRunning && !header.running;
  training.setState(header);
  settings.setEta(header.eta);
  if (header.note) setText(byId("status"), header.note);
  else if (isCompiling) setText(byId("status"), `Connected to fastnet ${settings.hello.version}.`);
  isCompiling = Boolean(header.note);
  if (hasPaused) refreshWhileLearning(true);
});

connection.on("problem", ({ header }) => {
  if (header.field) settings.showProblem(header.text, header.field);
  else setText(byId("status"), header.text);
});

// Drawing, at most once before each refresh of the screen.

const showSeen = oncePerFrame(() => {
  const began = performance.now();
  const { frame, arrived } = seen;
  const { header, arrays } = frame;
  inputImage.show(arrays.image);
  diagram.show(arrays);
  panel.seen(arrays);
  picture.seen(frame);
  showAnswer(header);
  showPad();
  if (++marks % MOST_MARKS === 0) performance.clearMarks("fastnet:seen");
  const detail = { reply: header.reply, waited: began - arrived, took: performance.now() - began };
  performance.mark("fastnet:seen", { detail });
  map.again();
});

const showLearned = oncePerFrame(() => {
  diagram.show(learned.arrays);
  panel.seen(learned.arrays);
  if (++marks % MOST_MARKS === 0) performance.clearMarks("fastnet:progress");
  performance.mark("fastnet:progress");
});

/** Show the answer, or the reason why there is none. */
function showAnswer({ digit, sure, why, milliseconds }) {
  const isNothing = digit === null || digit === undefined;
  setText(byId("answer"), isNothing ? "–" : sure ? String(digit) : "not sure");
  byId("answer").classList.toggle("unsure", !isNothing && !sure);
  setText(byId("why"), why ?? "");
  setText(byId("milliseconds"), milliseconds === undefined ? "" : `read in ${milliseconds.toFixed(1)} ms`);
}

/** Show whether there is a stroke to undo, and a hint on an empty pad. */
function showPad() {
  byId("undo").disabled = !pad.hasStrokes;
  byId("pad-hint").hidden = !pad.isEmpty;
}

/** Show a network: its layers, its settings and its summary. */
function showNetwork(header) {
  network = header;
  showSummary();
  diagram.setNetwork(header);
  training.setNetwork(header);
  breaking.setNetwork(header);
  panel.setNetwork(header);
  settings.setUsed(header.settings);
}

/** Show a line that describes the network, and whether the network is trained. */
function showSummary() {
  const { layers, parameters, source, test_accuracy } = network;
  const sizes = layers
    .filter(({ kind }) => kind !== "dropout" && kind !== "normalization")
    .map(({ shape }) => shape.join(" × "))
    .join(" – ");
  const accuracy = known(test_accuracy) ? `, ${percent(test_accuracy)} of the test digits right` : "";
  setText(byId("summary"), `${sizes}; ${count(parameters)} parameters; ${source}${accuracy}`);
  byId("untrained").hidden = source !== "not trained yet";
}

/** Show the state of the connection. */
function showConnection(state, sentence) {
  setText(byId("status"), sentence);
  if (state !== "open") page.dataset.state = state;
  else if (page.dataset.state !== "connecting") page.dataset.state = "connecting";
}

/** Update the answer, the map and the open neuron while the network learns, but less often than the activations. */
function refreshWhileLearning(atOnce) {
  const now = performance.now();
  if (!atOnce && now - refreshed < REFRESH) return;
  refreshed = now;
  if (document.body.dataset.view === "draw" || atOnce) picture.again();
  else map.again();
  panel.again();
}

// Actions of the user.

/** Open a neuron in the panel. */
function openNeuron(layer, index) {
  panel.open(layer, index);
}

/** Send the settings in the page's address to the server, unless the network has these settings already. */
async function useAddress(fragment) {
  const found = fromFragment(fragment, settings.hello);
  if (!found) return;
  settings.fill(found.settings, found.preset);
  if (settings.isChanged) await useSettings();
  settings.writeAddress();
  if (found.unknown.length) settings.showProblem(`The address has unknown settings: ${found.unknown.join(", ")}.`, null);
}

/** Have the server make a network with the settings in the form. @returns {Promise<boolean>} Whether it was made. */
async function useSettings() {
  settings.clearProblems();
  const reply = await connection.ask({ type: "settings", settings: settings.read() });
  if (reply?.header.type === "problem") settings.showProblem(reply.header.text, reply.header.field);
  if (reply?.header.type !== "network") return false;
  settings.accept(reply.header.settings);
  training.clear(reply.header.settings);
  return true;
}

/** Prepare training: if the form has changed, make a new network first. */
async function prepare() {
  if (!connection.isOpen) return false;
  return settings.isChanged ? useSettings() : true;
}

/** Continue with another learning rate, if training has begun. */
function changeEta(eta) {
  if (training.hasBegun) connection.ask({ type: "change", eta });
}

byId("clear").addEventListener("click", () => pad.clear());
byId("undo").addEventListener("click", () => pad.undo());
byId("train-now").addEventListener("click", () => {
  showView("train");
  byId("run").focus();
  training.runOrPause();
});

addEventListener("hashchange", () => useAddress(location.hash));

addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") panel.close();
  const target = event.target;
  if (document.body.dataset.view === "draw") {
    if (target.closest("input, select, [role=tab], [role=application]")) return;
    if (event.key === "ArrowRight") picture.page(1);
    else if (event.key === "ArrowLeft") picture.page(-1);
    else return;
    event.preventDefault();
  } else if (event.key === " " && !target.closest("input, select, button:not([role=tab]), [role=application]")) {
    training.runOrPause();
    event.preventDefault();
  }
});

showPad();
connection.open();
