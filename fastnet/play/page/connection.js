/** The websocket: messages with replies, handlers by type of message, and reconnection. */

import { decode } from "./frames.js";

const WAITS = [0.5, 1, 2, 4, 5];
const FINAL = {
  4403: "The server refused this window. Open the address that the command printed.",
  4429: "Too many windows are open. Close one, then load this page again.",
};

/**
 * The connection to the server.
 *
 * `on("seen", handler)` calls `handler(frame)` for each frame of the type "seen". `ask(message)` sends a message, and
 * returns a promise. The promise resolves with the reply after the reply's handler has run, or with null if the
 * connection is lost first.
 */
export class Connection {
  #handlers = new Map();
  #waiting = new Map();
  #socket = null;
  #lastId = 0;
  #failures = 0;
  #onState;

  /**
   * @param {(state: "connecting"|"open"|"lost"|"refused", sentence: string) => void} onState Called at each change.
   */
  constructor(onState) {
    this.#onState = onState;
  }

  /** Whether messages can be sent now. */
  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /**
   * Set the function that is called for all frames of a type.
   * @param {string} type
   * @param {(frame: import("./frames.js").Frame) => void} handler
   */
  on(type, handler) {
    this.#handlers.set(type, handler);
  }

  /** Open the websocket. */
  open() {
    const protocol = location.protocol === "https:" ? "wss" : "ws";
    this.#socket = new WebSocket(`${protocol}://${location.host}/socket?session=${session()}`);
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#onState("open", "Connected.");
    this.#socket.onmessage = (event) => this.#receive(decode(event.data));
    this.#socket.onclose = (event) => this.#closed(event.code);
  }

  /**
   * Send a message.
   * @param {object} message
   * @returns {Promise<?import("./frames.js").Frame>} The reply.
   */
  ask(message) {
    if (!this.isOpen) return Promise.resolve(null);
    const id = ++this.#lastId;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#socket.send(JSON.stringify({ ...message, id }));
    });
  }

  /**
   * Keep the name of the session that the server has assigned to this tab. A copied tab gets another name.
   * @param {string} name
   */
  keep(name) {
    sessionStorage.setItem("fastnet:session", name);
  }

  #receive(frame) {
    this.#failures = 0;
    const { type, reply } = frame.header;
    try {
      this.#handlers.get(type)?.(frame);
    } finally {
      const resolve = this.#waiting.get(reply);
      this.#waiting.delete(reply);
      resolve?.(frame);
    }
  }

  #closed(code) {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
    if (code in FINAL) {
      this.#onState("refused", FINAL[code]);
      return;
    }
    const wait = WAITS[Math.min(this.#failures++, WAITS.length - 1)];
    this.#onState("lost", `The connection is lost. The page tries again in ${wait} seconds.`);
    setTimeout(() => this.open(), 1000 * wait);
  }
}

/**
 * Sends messages one at a time. After a reply, only the latest of the waiting messages is sent.
 */
export class Latest {
  #connection;
  #next = null;
  #underway = false;

  /** @param {Connection} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /**
   * Send a message, now or after the reply to the previous message.
   * @param {() => ?object} message Function that returns the message. It is called at the moment of sending, so that
   *   the message has the current state. If the function returns null, nothing is sent.
   */
  async send(message) {
    this.#next = message;
    if (this.#underway) return;
    this.#underway = true;
    while (this.#next) {
      const message = this.#next();
      this.#next = null;
      if (message) await this.#connection.ask(message);
    }
    this.#underway = false;
  }
}

/** @returns {string} The name of this tab's session: 16 hex digits, drawn once and kept over reloads. */
function session() {
  let name = sessionStorage.getItem("fastnet:session");
  if (!name) {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    name = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    sessionStorage.setItem("fastnet:session", name);
  }
  return name;
}
