// What the page knows of the floor: all calls by id, what changed, and the order in which they are shown.

import { sorted } from "./attention.js";

/** @typedef {import("./attention.js").Line} Line */
/** @typedef {import("./attention.js").Filter} Filter */
/** @typedef {import("./attention.js").Column} Column */
/** @typedef {{calls: number, alerts: number, silent: number, negative: number, held: number}} Totals */

const NONE = { calls: 0, alerts: 0, silent: 0, negative: 0, held: 0 };

export class Calls {
  /** @param {Filter} filter @param {Column} column @param {boolean} down */
  constructor(filter, column, down) {
    this.filter = filter;
    this.column = column;
    this.down = down;
    /** @type {Map<string, Line>} */
    this.all = new Map();
    /** @type {string[]} */
    this.shown = [];
    /** @type {Totals} */
    this.totals = NONE;
    /** What the server's clock is ahead of ours, in ms. */
    this.ahead = 0;
    this.quietS = 0;
    this.isStale = false;
  }

  /** @param {any} told */
  snapshot(told) {
    const ended = this.shown.filter((id) => this.all.has(id));
    const before = this.all;
    this.all = new Map(told.calls.map((/** @type {Line} */ line) => [line.call_id, line]));
    for (const id of ended) {
      if (!this.all.has(id)) this.all.set(id, { .../** @type {Line} */ (before.get(id)), ended: true, unseen: 0 });
    }
    this.#heard(told);
    return told.calls;
  }

  /** Gives the calls with an alert that was not there before. @param {any} told @returns {Line[]} */
  changes(told) {
    const alarming = told.calls.filter((/** @type {Line} */ line) => {
      const had = this.all.get(line.call_id);
      return line.unseen > 0 && line.alerts > (had && !had.ended ? had.alerts : 0);
    });
    for (const line of told.calls) this.all.set(line.call_id, line);
    for (const id of told.gone) {
      const line = this.all.get(id);
      if (line) this.all.set(id, { ...line, ended: true, unseen: 0, silent_since: undefined, held_since: undefined });
    }
    this.#heard(told);
    return alarming;
  }

  /** Sort again; calls that have ended go. */
  sort() {
    for (const [id, line] of this.all) if (line.ended) this.all.delete(id);
    this.shown = sorted(this.all.values(), this.filter, this.column, this.down).map((line) => line.call_id);
    this.isStale = false;
  }

  /** While nothing may move: calls that are new go to the end. */
  append() {
    const known = new Set(this.shown);
    const added = sorted([...this.all.values()].filter((line) => !known.has(line.call_id) && !line.ended), this.filter, this.column, this.down);
    this.shown.push(...added.map((line) => line.call_id));
  }

  /** @param {number} place @returns {Line | undefined} */
  at(place) {
    return this.all.get(this.shown[place]);
  }

  /** Now, by the server's clock. */
  now() {
    return Date.now() + this.ahead;
  }

  /** The values of a field, each once, sorted. @param {"scenario" | "agent"} field @param {number} most */
  values(field, most) {
    const found = new Set();
    for (const line of this.all.values()) if (line[field] && found.size < most) found.add(line[field]);
    return [...found].sort();
  }

  /** @param {any} told */
  #heard(told) {
    this.totals = told.totals;
    this.quietS = told.quiet_s;
    this.ahead = Date.parse(told.at) - Date.now();
    this.isStale = true;
  }
}
