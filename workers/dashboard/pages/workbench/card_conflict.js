// Two people have changed one card: field by field, whose words are kept.

import { fill, h, say } from "../dom.js";
import { words } from "../words.js";
import { difference, parsed, shown } from "./difference.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const FIELDS = /** @type {Record<string, string>} */ ({ title: "card_title", text: "card_text", trigger: "trigger", lanes: "lanes", priority: "priority", valid_from: "valid_from", valid_to: "valid_to", expires_after_s: "expires" });

/**
 * @param {any} told what the server says with 409
 * @param {(field: string, value: any) => void} take puts a value into the form
 */
export function conflict(told, take) {
  const lines = h("div", {}, difference(parsed(told.lines)));
  /** @param {any} one */
  function row(one) {
    const state = h("p", { class: "help", role: "status" });
    const pick = (/** @type {any} */ value, /** @type {string} */ word) => () => {
      take(one.field, value);
      say(state, t(word));
    };
    // What you have not touched is theirs, unless you say otherwise.
    if (JSON.stringify(one.base) === JSON.stringify(one.yours)) pick(one.theirs, "took_theirs")();
    return h("tr", {},
      h("th", { scope: "row" }, t(FIELDS[one.field] ?? "field")),
      h("td", {}, shown(one.base)),
      h("td", {}, shown(one.theirs), h("div", {}, h("button", { type: "button", dataset: { take: one.field }, onclick: pick(one.theirs, "took_theirs") }, t("take_theirs")))),
      h("td", {}, shown(one.yours), h("div", {}, h("button", { type: "button", onclick: pick(one.yours, "kept_yours") }, t("keep_yours"))), state),
    );
  }
  const element = h("section", { class: "card conflict stack", tabindex: "-1", role: "alert" });
  fill(element,
    h("h3", {}, t("conflict", { by: told.by ?? "?", version: told.version })),
    h("p", {}, t("conflict_help")),
    h("div", { class: "scroll" }, h("table", {},
      h("thead", {}, h("tr", {}, ["field", "base", "theirs", "yours"].map((name) => h("th", { scope: "col" }, t(name))))),
      h("tbody", {}, told.fields.map(row)))),
    h("details", {}, h("summary", {}, t("as_lines")), lines),
  );
  return element;
}
