// What is looked at, as it stands in the address: a tab, what narrows all tabs, and what one tab has besides.

import { at } from "../api.js";

export const TABS = /** @type {const} */ (["intents", "outcomes", "flow", "search", "calls"]);
/** What narrows all tabs, each a condition on the field of that name. */
const NAMES = /** @type {const} */ (["scenario", "agent", "team", "language", "outcome", "intent", "topic"]);
const AGO = /^\d{1,6}[mhdw]$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * @typedef {Partial<Record<typeof NAMES[number], string>> & {
 *   tab: typeof TABS[number], outcomes: "inferred" | "observed", since: string, until: string, where: string[], own: Record<string, string>}} State
 */

/** @param {URLSearchParams} query @returns {State} */
export function read(query) {
  const tab = TABS.find((one) => one === query.get("tab")) ?? "intents";
  const own = Object.fromEntries([...query].filter(([name]) => name.startsWith("x.")).map(([name, value]) => [name.slice(2), value]));
  const names = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
  return { ...names, tab, own, outcomes: query.get("outcomes") === "observed" ? "observed" : "inferred", since: query.get("since") ?? "", until: query.get("until") ?? "", where: query.getAll("where") };
}

/** @param {State} state */
export function address(state) {
  const own = Object.fromEntries(Object.entries(state.own).map(([name, value]) => [`x.${name}`, value]));
  const names = Object.fromEntries(NAMES.map((name) => [name, state[name]]));
  return at("/insights", { tab: state.tab, ...names, since: state.since, until: state.until, where: state.where, outcomes: state.outcomes === "observed" ? "observed" : "", ...own });
}

/** A condition as the server reads it: values with a comma or a quote stand in quotes, as in CSV. @param {string} field @param {string} value @param {string} [sign] */
export function condition(field, value, sign = "=") {
  const quoted = value !== value.trim() || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  return `${field}${sign}${quoted}`;
}

/** All conditions of a state. @param {State} state @param {readonly string[]} [without] names that are left out */
export function conditions(state, without = []) {
  const found = NAMES.filter((name) => state[name] && !without.includes(name)).map((name) => condition(name, state[name] ?? ""));
  if (state.since) found.push(condition("started", state.since, ">="));
  if (state.until) found.push(condition("started", after(state.until), "<"));
  return [...found, ...state.where];
}

/** The day after, as an end that people name is part of what they mean. @param {string} until */
function after(until) {
  if (AGO.test(until) || !DATE.test(until)) return until;
  const day = new Date(`${until}T00:00:00Z`);
  if (Number.isNaN(day.getTime())) return until;
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

/** The state without the condition that the server named. @param {State} state @param {string} said @returns {State | null} */
export function without(state, said) {
  const bare = said.replace(/ \((inferred|observed)\)$/, "");
  const name = NAMES.find((one) => state[one] && condition(one, state[one] ?? "") === bare);
  if (name) return { ...state, [name]: "" };
  if (state.since && condition("started", state.since, ">=") === bare) return { ...state, since: "" };
  if (state.until && condition("started", after(state.until), "<") === bare) return { ...state, until: "" };
  return state.where.includes(bare) ? { ...state, where: state.where.filter((one) => one !== bare) } : null;
}

/** When a period such as 2026-03-31, 2026-W14 or 2026-03 begins, in ms since 1970. @param {string} period */
export function begins(period) {
  const week = /^(\d{4})-W(\d{2})$/.exec(period);
  if (!week) return Date.parse(`${period.length === 7 ? `${period}-01` : period}T00:00:00Z`);
  const fourth = new Date(Date.UTC(Number(week[1]), 0, 4)); // always in the first ISO week
  const monday = fourth.getTime() - ((fourth.getUTCDay() + 6) % 7) * 86_400_000;
  return monday + (Number(week[2]) - 1) * 7 * 86_400_000;
}
