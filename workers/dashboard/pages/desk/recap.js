// What is known of the customer from before: earlier calls, promises, objections, and lines of a CRM.

import { fill, h } from "../dom.js";
import { day } from "../words.js";
import { named, t } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */

export function recap() {
  const body = h("div", {});
  const element = h("details", { class: "card recap", open: true }, h("summary", {}, h("h2", {}, t("recap"))), body);
  let drawn = /** @type {any} */ (undefined);

  /** @param {Call} call */
  function draw(call) {
    if (call.recap === drawn) return;
    drawn = call.recap;
    const told = call.recap;
    const isEmpty = !told || !(told.calls || told.facts.length || told.promises.length || told.objections.length);
    fill(body, isEmpty ? h("p", { class: "help" }, t("no_recap")) : parts(told));
  }

  return { element, draw, again: () => (drawn = undefined) };
}

/** @param {any} told */
const parts = (told) => [
  told.facts.length > 0 && h("dl", { class: "crm" }, told.facts.map((/** @type {any} */ one) => [h("dt", {}, one.name), h("dd", {}, one.value)])),
  told.promises.length > 0 && [h("h3", {}, t("promises")), h("ul", {}, told.promises.map(promise))],
  told.objections.length > 0 && [h("h3", {}, t("objections")), h("ul", {}, told.objections.map(objection))],
  told.calls > 0 && [h("h3", {}, t("earlier_calls", { n: told.calls })), h("ul", {}, told.earlier.map(call))],
];

/** @param {any} one */
const promise = (one) => h("li", {}, t(one.role === "customer" ? "they_promise" : "we_promise", { what: one.what }), one.due && h("span", { class: "help" }, ` · ${t("due_on", { day: day(one.due) })}`));

/** @param {any} one */
const objection = (one) => h("li", {}, `“${one.quote}”`, h("span", { class: one.answered ? "help" : "warn" }, ` · ${t(one.answered ? "answered" : "unanswered")}`));

/** @param {any} one */
function call(one) {
  const outcome = one.outcome && (one.observed ? named(one.outcome) : t("inferred", { outcome: named(one.outcome) }));
  const head = [one.started_at && day(one.started_at), outcome, one.agent].filter(Boolean).join(" · ");
  return h("li", {}, h("a", { href: `/calls/${encodeURIComponent(one.call_id)}`, target: "_blank" }, head || one.call_id), one.summary && h("p", { class: "help" }, one.summary));
}
