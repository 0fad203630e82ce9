// The steps and edges of a flow as tables, for whoever reads better than they see; filled when they are opened.

import { edgeKey, nameOf } from "../flow_graph_parts.js";
import { fill, h } from "../dom.js";
import { number, percent } from "../words.js";
import { t } from "./told.js";

const MOST = 300;

/**
 * @param {import("../flow_graph_parts.js").Drawing["flow"]} flow @param {(name: string) => void} pick
 * @returns {{element: HTMLElement, filter: (shows: (key: string) => boolean) => void}}
 */
export function flowLists(flow, pick) {
  const steps = h("tbody", {});
  const edges = h("tbody", {});
  const button = (/** @type {string} */ key, /** @type {string} */ name) => h("button", { type: "button", class: "plain", onclick: () => pick(key) }, name);
  const head = (/** @type {string[]} */ names) => h("thead", {}, h("tr", {}, names.map((name, at) => h("th", { scope: "col", class: at ? "number" : null }, t(name)))));
  let shows = /** @type {(key: string) => boolean} */ (() => true);
  const element = h("details", { class: "card flow-lists", ontoggle: () => put() }, h("summary", {}, t("as_lists")),
    h("div", { class: "scroll lists" },
      h("table", {}, h("caption", {}, t("steps")), head(["step", "n_calls", "share", "won_share"]), steps),
      h("table", {}, h("caption", {}, t("edges")), head(["edge", "times", "of_what_follows", "won_share"]), edges)));

  function put() {
    if (!element.open) return;
    fill(steps, flow.steps.filter((one) => shows(one.label)).slice(0, MOST).map((one) =>
      h("tr", {}, h("th", { scope: "row" }, button(one.label, nameOf(one.label, flow.scenario))), h("td", { class: "number" }, number(one.calls)), h("td", { class: "number" }, percent(one.share)), h("td", { class: "number" }, one.ended.rate === null ? "–" : percent(one.ended.rate)))));
    fill(edges, flow.edges.filter((one) => shows(edgeKey(one))).slice(0, MOST).map((one) =>
      h("tr", {}, h("th", { scope: "row" }, button(edgeKey(one), `${nameOf(one.source, flow.scenario)} → ${nameOf(one.target, flow.scenario)}`)), h("td", { class: "number" }, number(one.count)), h("td", { class: "number" }, percent(one.probability)), h("td", { class: "number" }, one.ended.rate === null ? "–" : percent(one.ended.rate)))));
  }
  return { element, filter: (now) => { shows = now; put(); } };
}
