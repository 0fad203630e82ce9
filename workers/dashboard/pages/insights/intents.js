// Intents over time: how many calls have each, period by period, what rises and falls, and from there to the calls.

import { get } from "../api.js";
import { lines, spark } from "../chart.js";
import { fill, h } from "../dom.js";
import { title } from "../titles.js";
import { number, percent } from "../words.js";
import { begins, conditions } from "./state.js";
import { empty, t } from "./told.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {{names: string[], count: number}} Group */

const MOST_PERIODS = 120;
const MOST_NAMES = 60;
const DRAWN = 5;
const MOST_DRAWN = 8;

/** @param {import("./told.js").Room} room @param {State} state */
export async function show({ root, go, keep, signal, titles }, state) {
  const period = ["day", "week", "month"].find((one) => one === state.own.by) ?? "week";
  const where = conditions(state);
  const [counted, trends] = await Promise.all([
    get("/v1/aggregate", { by: ["intent", period], where, outcomes: state.outcomes, limit: MOST_PERIODS }, signal),
    get("/v1/trend", { by: "intent", period, where, outcomes: state.outcomes, limit: 1000 }, signal),
    titles,
  ]);
  if (!counted.groups.length) return fill(root, empty(counted.emptied_by, state, go));
  const directions = new Map(trends.rows.map((/** @type {{name: string, direction: string}} */ row) => [row.name, row.direction]));
  const rows = byName(counted.groups);
  const chosen = new Set(state.own.names ? state.own.names.split("|") : rows.slice(0, DRAWN).map((row) => row.name));
  const series = () => rows.filter((row) => chosen.has(row.name)).slice(0, MOST_DRAWN).map((row) => ({ name: title(row.name, state.scenario), points: row.points }));
  const chart = lines({ label: t("intents_chart", { period: t(period) }), series: series(), format: number, height: 260 });

  /** @param {string} name @param {boolean} on */
  function choose(name, on) {
    if (on) chosen.add(name);
    else chosen.delete(name);
    chart.show(series());
    keep({ names: [...chosen].join("|") });
  }

  const by = h("select", { onchange: () => go({ own: { ...state.own, by: by.value } }) }, ["day", "week", "month"].map((one) => h("option", { value: one }, t(one))));
  by.value = period;
  const shown = rows.slice(0, MOST_NAMES);
  fill(root,
    h("div", { class: "row between" }, h("p", { class: "help" }, t("calls_in_all", { n: number(counted.total.count) }), counted.overlapping.length ? ` · ${t("overlapping")}` : ""), h("label", { class: "row" }, t("by"), by)),
    h("div", { class: "card" }, chart),
    h("div", { class: "card scroll" }, h("table", { class: "intents" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("in_chart")), h("th", { scope: "col" }, t("intent")), h("th", { scope: "col", class: "number" }, t("n_calls")), h("th", { scope: "col", class: "number" }, t("share")), h("th", { scope: "col" }, t("course")), h("th", { scope: "col" }, t("trend")))),
      h("tbody", {}, shown.map((row) => {
        const box = h("input", { type: "checkbox", "aria-label": t("draw", { name: title(row.name, state.scenario) }), checked: chosen.has(row.name), onchange: () => choose(row.name, box.checked) });
        return h("tr", {}, h("td", {}, box),
          h("th", { scope: "row" }, h("button", { type: "button", class: "plain", title: t("to_calls"), onclick: () => go({ tab: "calls", intent: row.name }) }, title(row.name, state.scenario))),
          h("td", { class: "number" }, number(row.total)), h("td", { class: "number" }, percent(row.total / counted.total.count, 1)), h("td", {}, spark(row.points.map(([, value]) => value))), h("td", {}, direction(directions.get(row.name))));
      })))),
    h("p", { class: "help" }, [trends.unfinished && t("unfinished", { period: trends.unfinished }), ...trends.notes].filter(Boolean).join(" · ")),
  );
}

/** @param {any} name */
function direction(name) {
  if (name === "rising") return h("span", { class: "badge" }, "↗ ", t("rising"));
  if (name === "falling") return h("span", { class: "badge" }, "↘ ", t("falling"));
  return h("span", { class: "help" }, name ? t("steady") : "–");
}

/** Each name with its periods in order, largest first. @param {Group[]} groups */
function byName(groups) {
  /** @type {Map<string, {name: string, total: number, points: [number, number][]}>} */
  const found = new Map();
  for (const { names: [name, period], count } of groups) {
    const row = found.get(name) ?? { name, total: 0, points: [] };
    row.total += count;
    row.points.push([begins(period), count]);
    found.set(name, row);
  }
  return [...found.values()].sort((a, b) => b.total - a.total || a.name.localeCompare(b.name));
}
