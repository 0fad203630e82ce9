// The line above a call: whose, in which scenario, for how long, and whether it is on; with tabs where there are several.

import { h, keep, say } from "../dom.js";
import { clock } from "../words.js";
import { isUrgent } from "./advice.js";
import { named, t } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */

/** @param {(id: string) => void} choose a tab @param {string | null} back where other calls are listed */
export function facts(choose, back) {
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": t("calls"), hidden: true, onkeydown: moved });
  const customer = h("strong", {});
  const about = h("span", { class: "help" });
  const lasted = h("span", { class: "lasted", title: t("since") });
  const state = h("span", { class: "badge" });
  const element = h("div", { class: "desk-facts row" }, tabs, back && h("a", { href: back }, `← ${t("back")}`), customer, about, state, lasted);

  /** @param {Call} call @param {number} now @param {string} [listening] whose call it is, where somebody reads along */
  function draw(call, now, listening) {
    const { facts: known, ended } = call;
    say(customer, known.customer_id ? t("of_customer", { id: known.customer_id }) : t("no_customer"));
    const language = ["en", "zh"].find((one) => known.language?.startsWith(one));
    say(about, [known.scenario && named(known.scenario), language && t(`language_${language}`), listening && t("listening", { agent: listening })].filter(Boolean).join(" · "));
    state.className = ended ? "badge" : call.isHeld ? "badge warn" : "badge good";
    say(state, ended ? `■ ${t(ended.heard ? "has_ended" : "is_quiet")}` : call.isHeld ? `❚❚ ${t("is_held")}` : `● ${t("is_on")}`);
    say(lasted, clock(call.lastedMs(now)));
  }

  /** @param {Call[]} calls @param {Call | null} active @param {(call: Call) => import("./advice.js").Suggestion | null} standing */
  function drawTabs(calls, active, standing) {
    tabs.hidden = calls.length < 2;
    keep(tabs, calls, (one) => one.id, (one) => h("button", { type: "button", role: "tab", onclick: () => choose(one.id) }, h("kbd", {}), h("span", {}), h("span", { class: "sign" })), (element, one) => {
      element.setAttribute("aria-selected", String(one === active));
      const [key, name, sign] = element.children;
      const place = calls.indexOf(one) + 1;
      key.hidden = place > 9;
      say(key, String(place));
      say(name, one.facts.customer_id ?? one.id);
      const stands = standing(one);
      say(sign, one.ended ? ` ■ ${t("has_ended")}` : stands && one !== active ? ` ${isUrgent(stands) ? `▲ ${t("urgent")}` : `● ${t("suggestion")}`}` : "");
      element.title = one.id;
    });
  }

  /** @param {KeyboardEvent} event */
  function moved(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const all = /** @type {HTMLElement[]} */ ([...tabs.children]);
    const to = all[(all.indexOf(/** @type {any} */ (document.activeElement)) + by + all.length) % all.length];
    to.focus();
    to.click();
  }

  return { element, draw, drawTabs };
}
