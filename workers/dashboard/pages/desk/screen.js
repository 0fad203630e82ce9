// One call on the screen: everything of it is drawn at most once a frame, and not at all while nobody looks.

import { serverNow } from "../api.js";
import { h } from "../dom.js";
import { keys } from "../keys.js";
import { learn } from "../titles.js";
import { alerts } from "./alerts.js";
import { Answers } from "./answers.js";
import { checklist } from "./checklist.js";
import { earlier } from "./earlier.js";
import { facts } from "./facts.js";
import { recap } from "./recap.js";
import { t } from "./spoken.js";
import { suggestion } from "./suggestion.js";
import { transcript } from "./transcript.js";
import { way } from "./way.js";

/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("../pages.js").Context} Context */

const TICK_MS = 1_000;
const REMEMBERED = 200;

/**
 * @param {HTMLElement} root @param {Context} context
 * @param {object} on
 * @param {() => Call[]} on.calls those that have a tab
 * @param {() => Call | null} on.active the one that is shown
 * @param {(id: string) => void} on.choose
 * @param {() => void} on.tick once a second
 * @param {boolean} on.readOnly somebody reads along
 * @param {() => string} on.waiting what stands there while there is no call
 */
export function screen(root, context, on) {
  const answers = new Answers(`${context.me.tenant}.${context.me.agent ?? context.me.name}`, schedule);
  const announced = new Set();
  const top = facts(on.choose, on.readOnly ? "/desk" : null);
  const words = transcript();
  const advice = suggestion(answers, on.readOnly, ({ id, told }) => tell(id, t(told.priority >= 80 ? "new_urgent" : "new_suggestion", { title: told.title })));
  const before = earlier(answers);
  const parts = { way: way(), checklist: checklist(), alerts: alerts(), recap: recap() };
  const waiting = h("p", { class: "empty waiting" });
  const middle = h("div", { class: "middle" }, advice.element, parts.way.element);
  const side = h("div", { class: "side scroll", tabindex: "0", role: "region", "aria-label": t("beside") },
    parts.alerts.element, parts.checklist.element, parts.recap.element, before.element);
  const columns = h("div", { class: "desk-columns", hidden: true }, words.element, middle, side);
  root.append(h("h1", { class: "unseen" }, t("desk")), top.element, waiting, columns);
  let frame = 0;

  function schedule() {
    frame ||= requestAnimationFrame(draw);
  }

  function learned() {
    parts.way.again();
    parts.recap.again();
    schedule();
  }

  function draw() {
    frame = 0;
    const now = serverNow();
    const call = on.active();
    const standing = (/** @type {Call} */ one) => one.advice.current(now, answers, one.ended !== null);
    top.element.hidden = !call && !on.readOnly;
    columns.hidden = !call;
    waiting.hidden = Boolean(call);
    top.drawTabs(on.calls(), call, standing);
    if (!call) {
      if (waiting.textContent !== on.waiting()) waiting.textContent = on.waiting();
      return;
    }
    if (call.facts.scenario) learn(call.facts.scenario, learned);
    const current = standing(call);
    top.draw(call, now, on.readOnly ? (call.facts.agent ?? "?") : undefined);
    advice.draw(call, now, current);
    before.draw(call.advice.earlier(current, now, answers, call.ended !== null));
    parts.way.draw(call);
    parts.checklist.draw(call, call.lastedMs(now));
    parts.alerts.draw(call);
    parts.recap.draw(call);
    words.draw(call);
    const [alert] = call.alerts;
    if (alert && !call.ended) tell(alert.alert_id, t("new_alert", { title: alert.title }));
  }

  /** For people who do not see the page, once each. @param {string} id @param {string} text */
  function tell(id, text) {
    if (announced.has(id)) return;
    announced.add(id);
    if (announced.size > REMEMBERED) announced.delete(announced.values().next().value);
    context.announce(text);
  }

  const tab = (/** @type {number} */ n) => ({
    key: String(n),
    get says() {
      return on.calls().length >= Math.max(2, n) ? t("key_tab", { n }) : "";
    },
    does: () => on.calls()[n - 1] && on.choose(on.calls()[n - 1].id),
  });
  const forget = keys([
    ...(on.readOnly ? [] : [
      { key: "a", says: t("key_accept"), does: advice.accept },
      { key: "e", says: t("key_edit"), does: advice.edit },
      { key: "x", says: t("key_dismiss"), does: advice.dismiss },
      ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(tab),
    ]),
    { key: "n", says: t("key_newest"), does: words.toEnd },
  ]);
  const ticking = window.setInterval(() => {
    on.tick();
    if (!document.hidden) schedule();
  }, TICK_MS);
  document.addEventListener("visibilitychange", schedule);
  schedule();

  return {
    schedule,
    close() {
      forget();
      clearInterval(ticking);
      cancelAnimationFrame(frame);
      document.removeEventListener("visibilitychange", schedule);
    },
  };
}
