// Why somebody should look at this call, the newest first.

import { h, keep } from "../dom.js";
import { clock } from "../words.js";
import { t } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */

const MOST = 10;

export function alerts() {
  const list = h("ol", { class: "plain" });
  const none = h("p", { class: "help" }, t("no_alerts"));
  const element = h("section", { class: "card alerts" }, h("h2", {}, t("alerts")), none, list);

  /** @param {Call} call */
  function draw(call) {
    none.hidden = call.alerts.length > 0;
    keep(list, call.alerts.slice(0, MOST), (one) => one.alert_id, made);
  }

  return { element, draw };
}

/** @param {any} alert */
function made(alert) {
  const badge = h("span", { class: `badge ${alert.kind === "overdue_phrase" ? "warn" : "bad"}` }, `${alert.kind === "overdue_phrase" ? "!" : "▲"} ${t(alert.kind)}`);
  const quote = alert.evidence[0]?.quote;
  return h("li", {}, h("div", { class: "row" }, badge, h("time", { class: "help" }, clock(alert.at_ms))), h("span", {}, alert.title), quote && h("blockquote", {}, quote));
}
