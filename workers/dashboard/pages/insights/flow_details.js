// What is known of a step or an edge: what was seen, not what causes what.

import { edgeKey, nameOf } from "../flow_graph_parts.js";
import { h } from "../dom.js";
import { number, percent } from "../words.js";
import { condition } from "./state.js";
import { t } from "./told.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("../flow_graph_parts.js").Ended} Ended */
/** @typedef {import("../flow_graph_parts.js").Edge} Edge */
/** @typedef {{go: (state: Partial<State>) => void, pick: (name: string) => void, state: State, scenario: string}} Ways */

const MOST = 8;

/** @param {import("../flow_graph_parts.js").Picked | null} picked @param {import("../flow_graph_parts.js").Drawing} drawing @param {Ways} ways */
export function details(picked, drawing, ways) {
  if (!picked) return [h("h2", {}, t("about")), h("p", { class: "help" }, t("pick_help"))];
  return "step" in picked ? ofStep(picked.step, drawing, ways) : ofEdge(picked.edge, ways);
}

/** @param {import("../flow_graph_parts.js").Step} step @param {import("../flow_graph_parts.js").Drawing} drawing @param {Ways} ways */
function ofStep(step, drawing, { go, pick, state, scenario }) {
  const { edges } = drawing.flow;
  const marks = step.label === "(start)" || step.label === "(end)";
  return [
    h("h2", {}, nameOf(step.label, scenario)),
    facts([
      [t("n_calls"), `${number(step.calls)} · ${percent(step.share, 1)}`],
      !marks && [t("times"), number(step.count)],
      step.again > 0 && [t("again"), number(step.again)],
      step.repeats > 0 && [t("repeats"), number(step.repeats)],
      step.closes && [t("closes"), t("yes")],
      ...outcome(step.ended, state),
    ]),
    neighbours(t("before"), edges.filter((one) => one.target === step.label), (one) => nameOf(one.source, scenario), pick),
    neighbours(t("afterwards"), edges.filter((one) => one.source === step.label), (one) => nameOf(one.target, scenario), pick),
    !marks && h("button", { type: "button", class: "main", onclick: () => go({ tab: "calls", scenario, intent: step.label }) }, t("calls_with_step")),
  ];
}

/** @param {Edge} edge @param {Ways} ways */
function ofEdge(edge, { go, pick, state, scenario }) {
  const named = [edge.source, edge.target].filter((one) => !one.startsWith("("));
  return [
    h("h2", {}, stepButton(edge.source, scenario, pick), " → ", stepButton(edge.target, scenario, pick)),
    facts([
      [t("times"), number(edge.count)],
      [t("n_calls"), number(edge.calls)],
      [t("of_what_follows"), percent(edge.probability, 1)],
      edge.median_ms !== null && [t("median_later"), t("seconds", { n: number(edge.median_ms / 1000, 1) })],
      [t("dependency"), number(edge.dependency, 2)],
      [t("kept"), t(edge.kept ? "yes" : "no_noise")],
      ...outcome(edge.ended, state),
    ]),
    named.length > 0 && h("button", { type: "button", class: "main", onclick: () => go({ tab: "calls", scenario, intent: "", where: [...state.where, ...named.map((one) => condition("intent", one))] }) }, t(named.length > 1 ? "calls_with_both" : "calls_with_step")),
  ];
}

/** @param {(false | [string, any])[]} rows */
const facts = (rows) => h("dl", { class: "facts" }, rows.filter((row) => row !== false).map((row) => row && [h("dt", {}, row[0]), h("dd", {}, row[1])]));

/** @param {Ended} ended @param {State} state @returns {[string, any][]} */
function outcome(ended, state) {
  if (ended.rate === null || ended.low === null || ended.high === null) return [[t("won_share"), "–"]];
  return [[t("won_share_as", { source: t(state.outcomes) }), t("rate_of", { rate: percent(ended.rate), low: percent(ended.low), high: percent(ended.high), n: number(ended.won + ended.lost) })]];
}

/** @param {string} title @param {Edge[]} edges @param {(edge: Edge) => string} other @param {(name: string) => void} pick */
function neighbours(title, edges, other, pick) {
  if (!edges.length) return null;
  const most = [...edges].sort((a, b) => b.count - a.count).slice(0, MOST);
  return [h("h3", {}, title), h("ul", { class: "plain neighbours" }, most.map((one) =>
    h("li", {}, h("button", { type: "button", class: "plain", onclick: () => pick(edgeKey(one)) }, other(one)), h("span", { class: "help" }, ` ${number(one.count)} · ${percent(one.probability)}${one.kept ? "" : ` · ${t("is_noise")}`}`))))];
}

/** @param {string} label @param {string} scenario @param {(name: string) => void} pick */
const stepButton = (label, scenario, pick) => h("button", { type: "button", class: "plain", onclick: () => pick(label) }, nameOf(label, scenario));
