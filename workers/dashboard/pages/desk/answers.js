// What the agent says of suggestions: sent once, and told honestly where it could not be sent.

import { ask, part } from "../api.js";

/** @typedef {"accepted" | "edited" | "dismissed"} Kind */
/** @typedef {{kind: Kind, state: "sending" | "sent" | "failed", text: string | null, problem: unknown}} Answer */
/** @typedef {import("./advice.js").Suggestion} Suggestion */

const MOST = 200;
const PATIENCE_MS = 15_000;
const AGAIN_MS = 5_000;

export class Answers {
  /**
   * What was sent is remembered across reloads, by ids alone.
   * @param {string} whose @param {() => void} changed
   */
  constructor(whose, changed) {
    this.name = `convmine.desk.${whose}`;
    this.changed = changed;
    /** @type {Map<string, Answer>} */
    this.given = new Map();
    /** @type {Set<string>} */
    this.told = new Set();
    for (const [id, kind] of read(this.name)) {
      this.told.add(id); // whoever answered one has seen it
      if (kind !== "shown") this.given.set(id, { kind, state: "sent", text: null, problem: null });
    }
  }

  /** @param {string} id of a suggestion @returns {Answer | undefined} */
  of(id) {
    return this.given.get(id);
  }

  /** Say what was done; nothing is sent twice, and what failed may be said again. @param {Suggestion} one @param {Kind} kind @param {string | null} [text] */
  async give(one, kind, text = null) {
    const had = this.given.get(one.id);
    if (had && had.state !== "failed") return;
    const answer = /** @type {Answer} */ ({ kind, state: "sending", text, problem: null });
    this.given.set(one.id, answer);
    this.changed();
    try {
      await send(one, kind, text);
      answer.state = "sent";
      answer.text = null;
      this.keep();
    } catch (error) {
      answer.state = "failed";
      answer.problem = error;
    }
    this.changed();
  }

  /** Send again what could not be sent. @param {Suggestion} one */
  again(one) {
    const had = this.given.get(one.id);
    if (had?.state === "failed") this.give(one, had.kind, had.text);
  }

  /** Tell once that somebody has it on the screen. @param {Suggestion} one */
  async shown(one) {
    if (this.told.has(one.id)) return;
    this.told.add(one.id);
    try {
      await send(one, "shown", null);
      this.keep();
    } catch {
      window.setTimeout(() => this.told.delete(one.id), AGAIN_MS); // the next look at it tells it again
    }
  }

  keep() {
    for (const all of [this.given, this.told]) while (all.size > MOST) all.delete(all.keys().next().value ?? "");
    const sent = [...this.given].filter(([, one]) => one.state === "sent").map(([id, one]) => [id, one.kind]);
    const shown = [...this.told].filter((id) => !this.given.has(id)).map((id) => [id, "shown"]);
    try {
      localStorage.setItem(this.name, JSON.stringify([...shown, ...sent].slice(-MOST)));
    } catch {
      // a browser that keeps nothing: after a reload a suggestion that was answered stands once more
    }
  }
}

/** @param {Suggestion} one @param {Kind | "shown"} kind @param {string | null} text */
function send(one, kind, text) {
  const body = { kind, call_id: one.told.call_id, ...(text ? { text } : {}) };
  return ask("POST", `/v1/suggestions/${part(one.id)}/feedback`, body, AbortSignal.timeout(PATIENCE_MS));
}

/** @param {string} name @returns {[string, Kind | "shown"][]} */
function read(name) {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "[]");
  } catch {
    return [];
  }
}
