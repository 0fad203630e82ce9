// One call as a row: made once, then only its texts change.

import { h, say } from "../dom.js";
import { title } from "../titles.js";
import { clock, percent, words } from "../words.js";
import { en, zh } from "./words.js";

/** @typedef {import("./attention.js").Line} Line */

const t = words({ en, zh });
const TONES = { negative: "negative_word", neutral: "neutral", positive: "positive" };

/** Columns, in order: name, and what sorts by it. */
export const COLUMNS = /** @type {const} */ ([
  ["agent", "agent"],
  ["scenario", "scenario"],
  ["lasts", "started"],
  ["step", "step"],
  ["sentiment", "sentiment"],
  ["state", "attention"],
  ["alert", "alerts"],
  ["share", "share"],
]);

/** @param {(row: any) => void} seen somebody acknowledges a row's alert */
export function makeRow(seen) {
  const cell = (/** @type {string} */ name, /** @type {any[]} */ ...inside) =>
    h("div", { role: "gridcell", class: `cell ${name}`, "aria-colindex": COLUMNS.findIndex(([one]) => one === name) + 1 }, ...inside);
  const parts = {
    agent: h("strong", {}), call: h("span", { class: "help" }), scenario: h("span", {}), lasts: h("span", { class: "number" }),
    step: h("span", {}), topic: h("span", { class: "help" }), sentiment: h("span", { class: "badge" }), state: h("span", { class: "badge" }),
    suggestion: h("span", { class: "badge" }), count: h("span", { class: "badge bad" }), title: h("strong", {}), quote: h("q", {}),
    by: h("span", { class: "help" }), share: h("span", { class: "number" }),
    button: h("button", { type: "button", tabindex: "-1" }),
  };
  const row = h(
    "div",
    { role: "row", class: "floor-row" },
    cell("agent", parts.agent, parts.call),
    cell("scenario", parts.scenario),
    cell("lasts", parts.lasts),
    cell("step", parts.step, parts.topic),
    cell("sentiment", parts.sentiment),
    cell("state", parts.state, parts.suggestion),
    cell("alert", parts.count, h("span", { class: "alert-words" }, parts.title, " ", parts.quote), parts.by, parts.button),
    cell("share", parts.share),
  );
  row.parts = parts;
  parts.button.addEventListener("click", () => seen(row));
  return row;
}

/** @param {any} row @param {Line} line @param {number} now */
export function updateRow(row, line, now) {
  const { parts } = row;
  const since = (/** @type {string} */ moment) => clock(now - Date.parse(moment));
  say(parts.lasts, line.ended ? "" : since(line.started_at));
  const [state, kind] = stateOf(line, since);
  say(parts.state, state);
  parts.state.className = kind ? `badge ${kind}` : "";
  const named = (/** @type {string | undefined} */ label) => (label ? title(label, line.scenario) : "");
  say(parts.scenario, named(line.scenario)); // titles may come after the call
  parts.scenario.title = parts.scenario.textContent;
  say(parts.step, named(line.step));
  say(parts.topic, named(line.topic));
  if (row.line === line) return;
  row.line = line;
  row.classList.toggle("ended", Boolean(line.ended));
  row.classList.toggle("alarming", line.unseen > 0);
  say(parts.agent, line.agent ?? t("no_agent"));
  say(parts.call, line.call_id);
  parts.call.title = line.call_id;
  say(parts.sentiment, line.sentiment ? t(TONES[line.sentiment]) : "");
  parts.sentiment.className = line.sentiment ? `badge ${{ negative: "bad", neutral: "", positive: "good" }[line.sentiment]}` : "";
  say(parts.suggestion, line.suggestion && !line.ended ? t("suggestion") : "");
  parts.suggestion.hidden = !line.suggestion || Boolean(line.ended);
  say(parts.share, line.agent_share === undefined ? "" : percent(line.agent_share));
  alertOf(row, line);
}

/** @param {Line} line @param {(moment: string) => string} since @returns {[string, string]} */
function stateOf(line, since) {
  if (line.ended) return [t("ended"), ""];
  if (line.held_since) return [t("held_for", { time: since(line.held_since) }), "plain"];
  if (line.silent_since) return [t("silent_for", { time: since(line.silent_since) }), "warn"];
  return [line.medium === "text" ? t("chat") : "", line.medium === "text" ? "plain" : ""];
}

/** @param {any} row @param {Line} line */
function alertOf(row, line) {
  const { parts } = row;
  const alert = line.alert;
  parts.count.hidden = !line.alerts;
  parts.count.className = line.unseen ? "badge bad" : "badge";
  say(parts.count, line.alerts ? String(line.alerts) : "");
  if (line.alerts) parts.count.setAttribute("aria-label", t("alerts_of", { unseen: line.unseen, all: line.alerts }));
  say(parts.title, alert ? (alert.kind === "overdue_phrase" ? t("overdue", { title: alert.title }) : alert.title) : "");
  say(parts.quote, alert?.quote ?? "");
  parts.quote.hidden = !alert?.quote;
  const words = alert ? [parts.title.textContent, alert.quote].filter(Boolean).join(": ") : "";
  parts.title.parentElement.title = words;
  say(parts.by, alert?.seen_by && !line.unseen ? t("seen_by", { who: alert.seen_by }) : "");
  parts.button.hidden = !line.unseen || Boolean(line.ended);
  say(parts.button, t("seen"));
  parts.button.setAttribute("aria-label", t("seen_of", { title: alert?.title ?? "", agent: line.agent ?? line.call_id }));
}
