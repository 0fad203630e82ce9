// Which calls need somebody first, how the list is sorted, and what is left out of it. Nothing here touches the page.

import { title } from "../titles.js";

/**
 * @typedef {object} Alert
 * @property {string} alert_id @property {string} kind @property {string} title @property {string} quote
 * @property {string} [role] @property {number} at_ms @property {string} raised_at
 * @property {string} [seen_by] @property {string} [seen_at]
 *
 * @typedef {object} Line a call that is on, as the server tells it
 * @property {string} call_id @property {"speech" | "text"} medium @property {string} started_at
 * @property {string} [agent] @property {string} [scenario] @property {string} [held_since]
 * @property {string} [silent_since] @property {string} [step] @property {string} [topic]
 * @property {"negative" | "neutral" | "positive"} [sentiment] @property {number} [score]
 * @property {number} alerts @property {number} unseen @property {Alert} [alert] @property {boolean} suggestion
 * @property {number} [agent_share]
 * @property {boolean} [ended] only here: it has ended, and stays until the list is sorted again
 *
 * @typedef {{q: string, scenario: string, agent: string, only: boolean}} Filter
 * @typedef {"attention" | "agent" | "scenario" | "started" | "step" | "sentiment" | "alerts" | "share"} Column
 */

const at = (/** @type {string | undefined} */ moment) => (moment ? Date.parse(moment) : 0);

/**
 * What sorts calls unless a column is chosen, as `attention` in floor/lines.py: alerts that nobody has seen, the newest
 * before others; then the longest silence; then the crossest customer; then the call that has gone on for longest.
 * @param {Line} line @returns {[number, number]}
 */
function attention(line) {
  if (line.unseen && line.alert) return [0, -at(line.alert.raised_at)];
  if (line.silent_since) return [1, at(line.silent_since)];
  if (line.sentiment === "negative") return [2, line.score ?? 0];
  return [3, at(line.started_at)];
}

/** @type {Record<Exclude<Column, "attention">, (line: Line) => string | number>} */
const VALUES = {
  agent: (line) => line.agent ?? "",
  scenario: (line) => line.scenario ?? "",
  started: (line) => at(line.started_at),
  step: (line) => line.step ?? "",
  sentiment: (line) => line.score ?? 2,
  alerts: (line) => -line.unseen * 1000 - line.alerts,
  share: (line) => -(line.agent_share ?? -1),
};

/** @param {any} a @param {any} b */
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The calls that a filter leaves, sorted.
 * @param {Iterable<Line>} lines @param {Filter} filter @param {Column} column @param {boolean} down the other way round
 * @returns {Line[]}
 */
export function sorted(lines, filter, column, down) {
  const keyed = Array.from(lines)
    .filter((line) => fits(line, filter))
    .map((line) => ({ line, key: column === "attention" ? attention(line) : [VALUES[column](line), 0] }));
  const way = down ? -1 : 1;
  keyed.sort((a, b) => way * (order(a.key[0], b.key[0]) || order(a.key[1], b.key[1])) || order(a.line.call_id, b.line.call_id));
  return keyed.map((one) => one.line);
}

/** @param {Line} line @param {Filter} filter */
function fits(line, filter) {
  if (filter.only && !line.unseen) return false;
  if (filter.scenario && line.scenario !== filter.scenario) return false;
  if (filter.agent && !(line.agent ?? "").toLowerCase().includes(filter.agent.toLowerCase())) return false;
  if (!filter.q) return true;
  const named = [line.scenario, line.step, line.topic].map((one) => one && title(one, line.scenario));
  const text = [line.call_id, line.agent, line.scenario, line.step, line.topic, ...named, line.alert?.title, line.alert?.quote].join("\n");
  return text.replaceAll("_", " ").toLowerCase().includes(filter.q.replaceAll("_", " ").toLowerCase());
}
