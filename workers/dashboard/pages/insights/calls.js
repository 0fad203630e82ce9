// Calls: those that match, newest first, page by page; at any time only one page is there.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { title } from "../titles.js";
import { clock, moment } from "../words.js";
import { conditions } from "./state.js";
import { callAddress, empty, ended, t } from "./told.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {{call_id: string, started_at: string | null, scenario: string | null, language: string | null, agent: string | null, duration_ms: number | null, intents: string[], outcome_inferred: any, outcome_observed: any, failed: any}} Row */

const PAGE = 50;
const SORTS = ["-started", "started", "-duration", "duration"];
const SHOWN = 4;

/** @param {import("./told.js").Room} room @param {State} state */
export async function show({ root, go, signal, titles, context }, state) {
  const sort = SORTS.find((one) => one === state.own.sort) ?? "-started";
  const marks = /** @type {(string | null)[]} */ ([null]);
  const body = h("tbody", {});
  const place = h("span", { class: "help", role: "status" });
  const back = h("button", { type: "button", onclick: () => turn(-1) }, t("page_before"));
  const on = h("button", { type: "button", onclick: () => turn(1) }, t("page_next"));
  const by = h("select", { onchange: () => go({ own: { ...state.own, sort: by.value } }) }, SORTS.map((one) => h("option", { value: one }, t(`sort_${one}`))));
  by.value = sort;
  let page = 0;

  const read = () => get("/v1/calls", { where: conditions(state), outcomes: state.outcomes, sort, limit: PAGE, after: marks[page] }, signal);

  /** @param {number} by */
  async function turn(by) {
    page += by;
    try {
      put(await read());
      body.closest("table")?.scrollIntoView({ block: "nearest" });
    } catch (error) {
      page -= by;
      context.fault(error);
    }
  }

  /** @param {{items: Row[], next: string | null}} found */
  function put(found) {
    marks[page + 1] = found.next;
    fill(body, found.items.map(row));
    back.disabled = page === 0;
    on.disabled = !found.next;
    place.textContent = t("page_n", { n: page + 1 });
  }

  const [first] = await Promise.all([read(), titles]);
  if (!first.items.length) return fill(root, empty(first.emptied_by, state, go));
  put(first);
  fill(root,
    h("div", { class: "row between" }, h("div", { class: "row" }, back, on, place), h("label", { class: "row" }, t("sort"), by)),
    h("div", { class: "card scroll" }, h("table", { class: "calls" },
      h("caption", { class: "unseen" }, t("calls")),
      h("thead", {}, h("tr", {}, ["call", "started", "scenario", "agent", "duration", "intents_in", "inferred", "observed"].map((one) => h("th", { scope: "col" }, t(one))))),
      body)));
}

/** @param {Row} one */
function row(one) {
  const intents = one.intents.map((label) => title(label, one.scenario));
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: callAddress(one.call_id) }, one.call_id), one.failed && h("span", { class: "badge warn", title: one.failed.reason }, t("failed", { stage: one.failed.stage }))),
    h("td", {}, one.started_at ? moment(one.started_at) : "–"),
    h("td", {}, one.scenario ? title(one.scenario, one.scenario) : "–", one.language && h("span", { class: "help" }, ` ${one.language}`)),
    h("td", {}, one.agent ?? "–"),
    h("td", { class: "number" }, one.duration_ms ? clock(one.duration_ms) : "–"),
    h("td", { title: intents.join(t("comma")) }, intents.slice(0, SHOWN).join(t("comma")), intents.length > SHOWN && h("span", { class: "help" }, ` +${intents.length - SHOWN}`)),
    h("td", {}, ended(one.outcome_inferred, "inferred", one.scenario)),
    h("td", {}, ended(one.outcome_observed, "observed", one.scenario)));
}
