// What stands where suggestions do while there is none; after the end of the call, how it seems to have ended.

import { fill, h } from "../dom.js";
import { named, t } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */

export function closing() {
  const element = h("div", { class: "empty" }, h("p", {}, t("none_now")));
  let drawn = "";

  /** @param {Call} call */
  function draw(call) {
    const outcome = call.ended && call.insight?.outcome_inferred;
    const now = [call.ended ? call.id : "", outcome ? named(outcome.name) : "", outcome?.result, outcome?.reason, call.insight?.summary].join("\n");
    if (now === drawn) return;
    drawn = now;
    if (!call.ended) return fill(element, h("p", {}, t("none_now")));
    fill(element,
      h("h2", {}, t("ended_last")),
      outcome && h("p", { class: "result" }, t("seems", { result: t(`result_${outcome.result}`), name: named(outcome.name) }), outcome.reason && h("span", { class: "help" }, ` · ${outcome.reason}`)),
      call.insight?.summary && h("p", {}, call.insight.summary),
      h("p", {}, h("a", { href: `/calls/${encodeURIComponent(call.id)}` }, t("to_call"))),
    );
  }

  return { element, draw };
}
