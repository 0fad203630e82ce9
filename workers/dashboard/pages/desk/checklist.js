// What must be said in this call, and what was said already.

import { h, keep, say } from "../dom.js";
import { clock } from "../words.js";
import { named, t } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */

export function checklist() {
  const count = h("span", { class: "help" });
  const list = h("ul", { class: "plain" });
  const none = h("p", { class: "help" }, t("no_checklist"));
  const element = h("section", { class: "card checklist" }, h("div", { class: "row" }, h("h2", {}, t("checklist")), count), none, list);

  /** @param {Call} call @param {number} lastedMs */
  function draw(call, lastedMs) {
    const items = call.checklist?.items ?? [];
    none.hidden = items.length > 0;
    const done = items.filter((/** @type {any} */ one) => one.said).length;
    say(count, items.length ? t("done_of", { done, all: items.length }) : "");
    keep(list, items, (one) => one.name, made, (element, one) => update(element, one, lastedMs));
  }

  return { element, draw };
}

const made = () => h("li", {}, h("span", { class: "mark", "aria-hidden": "true" }), h("span", {}, h("span", {}), h("span", { class: "help" })));

/** @param {HTMLElement} element @param {any} item @param {number} lastedMs */
function update(element, item, lastedMs) {
  const [mark, words] = /** @type {any} */ (element.children);
  const [title, state] = words.children;
  const isOverdue = !item.said && item.due_ms != null && lastedMs > item.due_ms;
  element.className = item.said ? "done" : isOverdue ? "overdue" : "";
  say(mark, item.said ? "✓" : isOverdue ? "!" : "○");
  say(title, item.title);
  state.className = isOverdue ? "bad" : "help";
  element.title = item.said?.quote ?? "";
  const by = item.role === "customer" ? ` · ${t("by_customer")}` : "";
  say(state, ` ${stateOf(item, isOverdue)}${by}`);
}

/** @param {any} item @param {boolean} isOverdue */
function stateOf(item, isOverdue) {
  if (item.said) return t("said_at", { time: clock(item.said.start_ms) });
  if (isOverdue) return t("overdue", { time: clock(item.due_ms) });
  if (item.due_ms != null) return t("due_at", { time: clock(item.due_ms) });
  return item.when_outcome ? t("when_outcome", { outcome: named(item.when_outcome) }) : t("open_item");
}
