// Outcomes: which share of calls was won, by topic or something else, with its interval; inferred or observed, never both.

import { get } from "../api.js";
import { bars } from "../chart.js";
import { fill, h } from "../dom.js";
import { title } from "../titles.js";
import { number, percent, plain } from "../words.js";
import { conditions } from "./state.js";
import { empty, t } from "./told.js";

/** @typedef {import("./state.js").State} State */

const BY = ["topic", "intent", "objection", "agent", "team", "scenario", "language", "week", "month"];
const DRILLED = new Set(["topic", "intent", "agent", "team", "scenario", "language"]);
const NAMED = new Set(["topic", "intent", "objection", "scenario"]);
const MOST = 40;

/** @param {import("./told.js").Room} room @param {State} state */
export async function show({ root, go, signal, titles }, state) {
  const by = BY.find((one) => one === state.own.by) ?? "topic";
  const asked = get("/v1/aggregate", { by, metric: "win_rate", where: conditions(state), outcomes: state.outcomes, limit: MOST }, signal);
  const [found] = await Promise.all([asked, titles]);
  const select = h("select", { onchange: () => go({ own: { ...state.own, by: select.value } }) }, BY.map((one) => h("option", { value: one }, t(one))));
  select.value = by;
  const head = h("div", { class: "row between" },
    h("p", { class: `source-told ${state.outcomes}` }, h("strong", {}, t(state.outcomes)), t("colon"), t(`${state.outcomes}_long`)),
    h("label", { class: "row" }, t("by"), select));
  if (!found.groups.length) return fill(root, head, empty(found.emptied_by, state, go));
  const results = found.results;
  const known = results.won + results.lost;
  const rows = found.groups.map((/** @type {any} */ group) => ({
    name: NAMED.has(by) ? title(group.names[0], by === "scenario" ? group.names[0] : state.scenario) : plain(group.names[0]), key: group.names[0], value: group.value, low: group.low, high: group.high,
    note: t("won_of", { n: number(group.n), calls: number(group.count) }),
  }));
  fill(root, head,
    h("div", { class: "card" },
      h("h2", {}, t("win_rate_by", { by: t(by).toLowerCase() })),
      h("p", {}, t("results", { won: number(results.won), lost: number(results.lost), open: number(results.open), unknown: number(results.unknown) }),
        known ? ` · ${t("in_all", { rate: percent(found.total.value, 1), low: percent(found.total.low, 1), high: percent(found.total.high, 1) })}` : ""),
      known ? bars({ label: t("win_rate_by", { by: t(by).toLowerCase() }), rows, format: percent, most: 1, onpick: DRILLED.has(by) ? (row) => go({ tab: "calls", [by]: row.key }) : undefined })
        : h("p", { class: "empty" }, t(`none_${state.outcomes}`))),
    h("p", { class: "help" }, [found.overlapping.length ? t("overlapping") : "", found.left_out[by] ? t("left_out", { n: number(found.left_out[by]) }) : "", t("no_cause")].filter(Boolean).join(" ")));
}
