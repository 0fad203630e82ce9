// What happens, as it happens: a stream that comes back by itself, from where it was, and gives no event twice.

import { at } from "./api.js";

/** @typedef {"opening" | "live" | "away" | "lost"} State `away`: the server waits for Kafka; `lost`: no server. */

const LOST_MS = [500, 1000, 2000, 4000];
const REMEMBERED = 2000;

/** Every open stream's state, for the shell's line. @type {Map<object, State>} */
export const states = new Map();
/** Called when one of them changes. @type {Set<() => void>} */
export const watching = new Set();

/**
 * Follow a stream of server-sent events until `close()`.
 * @param {string} path
 * @param {Record<string, any>} parameters
 * @param {Record<string, (event: any) => void>} takes by the name of the event; `gap` is told where something is missing
 * @param {(state: State) => void} [onState]
 */
export function follow(path, parameters, takes, onState = () => {}) {
  const self = {};
  const seen = new Set();
  let mark = "";
  let tries = 0;
  let source = /** @type {EventSource | null} */ (null);
  let timer = 0;

  /** @param {State} state */
  function become(state) {
    if (states.get(self) === state) return;
    states.set(self, state);
    onState(state);
    for (const watch of watching) watch();
  }

  /** @param {any} message @param {(event: any) => void} take */
  function given(message, take) {
    if (message.lastEventId) mark = message.lastEventId;
    const told = JSON.parse(message.data);
    if (told.ce_id) {
      if (seen.has(told.ce_id)) return;
      seen.add(told.ce_id);
      if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
    }
    take(told);
  }

  function open() {
    source = new EventSource(at(path, { ...parameters, last_event_id: mark }));
    source.addEventListener("status", (message) => {
      tries = 0;
      become(JSON.parse(message.data).state === "away" ? "away" : "live");
    });
    source.addEventListener("bye", () => again());
    source.addEventListener("dropped", () => again());
    source.onerror = () => again();
    for (const [name, take] of Object.entries(takes)) source.addEventListener(name, (message) => given(message, take));
  }

  function again() {
    source?.close();
    become("lost");
    clearTimeout(timer);
    const wait = LOST_MS[Math.min(tries, LOST_MS.length - 1)];
    tries += 1;
    timer = window.setTimeout(open, wait * (0.75 + Math.random() / 2));
  }

  become("opening");
  open();
  return {
    close() {
      clearTimeout(timer);
      source?.close();
      states.delete(self);
      for (const watch of watching) watch();
    },
  };
}
