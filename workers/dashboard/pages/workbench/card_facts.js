// What is known of a card besides its words: where it stands, how it does, its draft, its versions.

import { h } from "../dom.js";
import { moment, number, percent, words } from "../words.js";
import { contentLines, difference, fieldLines } from "./difference.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @param {any} row @returns {any} */
export function standing(row) {
  const until = row.valid_to ? t("from_to", { from: row.valid_from, to: row.valid_to }) : row.valid_from ? t("from_on", { from: row.valid_from }) : "";
  return h("header", { class: "row" },
    h("h2", {}, row.card),
    h("span", { class: `badge ${kindOf(row.status)}` }, t(`status_${row.status}`)),
    (row.versions.length > 0 || row.status === "draft") && h("span", { class: "help" }, t("version", { version: row.version })),
    h("span", { class: "help" }, until),
    row.left_out && h("p", { class: "bad" }, t("left_out", { why: row.left_out })),
  );
}

/** @param {string} status */
export const kindOf = (status) => (status === "approved" ? "good" : status === "draft" ? "warn" : status === "left out" ? "bad" : "");

/** @param {any} row @returns {any} */
export function howItDoes(row) {
  const of = row.figures;
  if (!of || !of.shown) return h("p", { class: "help" }, t("no_figures"));
  const shares = (/** @type {string} */ key, /** @type {any} */ rate) => rate && t(key, { share: percent(rate.share), low: percent(rate.low), high: percent(rate.high), of: number(rate.of) });
  return h("p", { class: "figures" }, h("strong", {}, t("how_it_does")), " ",
    [t("shown_n", { count: number(of.shown) }), shares("taken", of.acceptance), t("dismissed_n", { count: number(of.dismissed) }), shares("won", of.won)].filter(Boolean).join(" · "));
}

/**
 * The draft with its difference, and what may be done with it.
 * @param {any} row
 * @param {{mine: boolean, publishes: boolean, approve: () => void, drop: () => void}} may
 * @returns {any}
 */
export function draftOf(row, may) {
  const draft = row.draft;
  if (!draft) return null;
  const why = may.mine ? t("own_draft") : may.publishes ? t("approve_help") : t("need_supervisor");
  return h("section", { class: "card draft stack", "aria-labelledby": "draft-title" },
    h("h3", { id: "draft-title" }, t("draft_by", { version: draft.version, by: draft.by, at: moment(draft.at) })),
    draft.reason && h("p", { class: "help" }, draft.reason),
    h("h4", {}, t("difference")),
    difference(fieldLines(row.shown, draft.content)),
    h("div", { class: "row" },
      h("button", { type: "button", class: "main", id: "approve", disabled: may.mine || !may.publishes, onclick: may.approve, "aria-describedby": "approve-help" }, t("approve")),
      (may.mine || may.publishes) && h("button", { type: "button", id: "drop-draft", onclick: may.drop }, t("drop_draft")),
      h("span", { class: "help", id: "approve-help" }, why),
    ),
  );
}

/** @param {any} row @returns {any} */
export function versionsOf(row) {
  if (!row.versions.length) return null;
  return h("details", { class: "versions" }, h("summary", {}, `${t("versions")} (${row.versions.length})`),
    h("ol", { class: "plain stack" }, row.versions.map((/** @type {any} */ one) => h("li", {},
      h("strong", {}, t("version", { version: one.version })), " ", [t("v_by", { by: one.by }), one.approved_by && t("v_approved", { by: one.approved_by }), moment(one.at), one.reason].filter(Boolean).join(" · "),
      h("div", { class: "difference" }, contentLines(one.content).map((line) => h("div", {}, line)))))));
}
