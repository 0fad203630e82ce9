// The suggestion that stands now: what to say, why, who approved it, and what the agent does with it.

import { Problem } from "../api.js";
import { fill, h, keep, say } from "../dom.js";
import { expiresAt, isUrgent, madeAt } from "./advice.js";
import { closing } from "./closing.js";
import { field } from "./field.js";
import { t } from "./spoken.js";

/** @typedef {import("./advice.js").Suggestion} Suggestion */
/** @typedef {import("./answers.js").Answers} Answers */
/** @typedef {import("./call.js").Call} Call */

/** Where one suggestion takes another's place, keys that were meant for the old one do nothing to the new one so long. */
const SETTLES_MS = 700;

/**
 * @param {Answers} answers @param {boolean} readOnly
 * @param {(one: Suggestion) => void} arrived it is shown for the first time
 */
export function suggestion(answers, readOnly, arrived) {
  const badge = h("span", { class: "badge" });
  const origin = h("span", { class: "help" });
  const title = h("h2", { class: "title" });
  const text = h("p", { class: "text" });
  const reason = h("p", { class: "help reason" });
  const quote = h("blockquote", {});
  const passages = h("details", { class: "passages", hidden: true }, h("summary", {}), h("ol", { class: "plain" }));
  const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("span", {}));
  const time = h("span", { class: "help time" });
  const accept = h("button", { type: "button", class: "main", onclick: () => act("accepted"), "aria-keyshortcuts": "a" }, t("accept"), " ", h("kbd", {}, "a"));
  const edit = h("button", { type: "button", onclick: () => open("edited"), "aria-keyshortcuts": "e" }, t("edit"), " ", h("kbd", {}, "e"));
  const dismiss = h("button", { type: "button", onclick: () => open("dismissed"), "aria-keyshortcuts": "x" }, t("dismiss"), " ", h("kbd", {}, "x"));
  const buttons = h("div", { class: "row" }, accept, edit, dismiss);
  const said = h("span", { role: "status" });
  const again = h("button", { type: "button", hidden: true, onclick: () => shown && answers.again(shown) }, t("again"));
  const asked = field((kind, words) => shown && answers.give(shown, kind, words), () => element.focus({ preventScroll: true }));
  const foot = h("div", { class: "foot" }, asked.element, h("div", { class: "row" }, said, again), readOnly ? h("p", { class: "help" }, t("read_only")) : buttons);
  const content = h("div", { class: "content" }, title, text, reason, quote, passages);
  const body = h("div", { class: "body", hidden: true }, h("div", { class: "row" }, badge, origin, bar, time), content, foot);
  const none = closing();
  const element = h("section", { class: "card suggestion", "aria-label": t("suggestion"), tabindex: "-1" }, body, none.element);
  let shown = /** @type {Suggestion | null} */ (null);
  let since = -SETTLES_MS;

  /** @param {Suggestion | null} one */
  function change(one) {
    since = shown && one ? performance.now() : -SETTLES_MS;
    shown = one;
    asked.close();
    const hadFocus = element.contains(document.activeElement) && document.activeElement !== element;
    body.hidden = !one;
    none.element.hidden = Boolean(one);
    if (hadFocus) element.focus({ preventScroll: true });
    if (!one) return;
    words(one);
    passages.open = false;
    content.scrollTop = 0;
    element.classList.remove("arrives");
    void element.offsetWidth; // so that the animation of an arrival begins anew; once for each suggestion
    element.classList.add("arrives");
    arrived(one);
  }

  /** @param {Suggestion} one */
  function words({ told }) {
    say(title, told.title);
    say(text, told.text);
    say(reason, `${t("why", { reason: told.reason })} · ${t("approved", { who: told.approved_by })}${told.phrased_by ? ` · ${t("phrased", { model: told.phrased_by })}` : ""}`);
    const heard = told.evidence.find((/** @type {any} */ one) => !told.reason.includes(one.quote));
    quote.hidden = !heard;
    say(quote, heard ? t("heard", { quote: heard.quote }) : "");
    say(origin, t(told.kind === "knowledge" ? "from_knowledge" : "from_card"));
    passages.hidden = told.passages.length === 0;
    say(passages.firstElementChild, t("passages", { n: told.passages.length }));
    keep(passages.lastElementChild, told.passages, (/** @type {any} */ one) => one.passage_id, (one) => h("li", {}), (item, one) =>
      fill(item, h("strong", {}, one.title), h("p", {}, one.text), h("p", { class: "help" }, t("source", { source: one.source }))));
  }

  /** @param {Call} call @param {number} now @param {Suggestion | null} current */
  function draw(call, now, current) {
    const stays = asked.isOpen && shown && call.advice.all.has(shown.id) ? shown : current; // not from under the one who writes
    if (stays !== shown) change(stays);
    if (!shown) return none.draw(call);
    const urgent = isUrgent(shown);
    element.classList.toggle("urgent", urgent);
    badge.hidden = !urgent;
    badge.className = "badge bad";
    say(badge, `▲ ${t("urgent")}`);
    const left = expiresAt(shown) - now;
    const whole = Math.max(1, expiresAt(shown) - madeAt(shown));
    bar.firstElementChild.style.setProperty("--left", String(Math.min(1, Math.max(0, left / whole))));
    say(time, left > 0 ? t("expires_in", { s: Math.ceil(left / 1000) }) : "");
    answered(shown, left);
    if (!readOnly && !document.hidden) answers.shown(shown);
  }

  /** @param {Suggestion} one @param {number} left */
  function answered(one, left) {
    const given = answers.of(one.id);
    buttons.hidden = asked.isOpen || (given !== undefined && given.state !== "failed");
    again.hidden = given?.state !== "failed";
    said.className = given?.state === "failed" ? "bad" : "good";
    if (given?.state === "failed") say(said, `⚠ ${t("not_sent", { why: given.problem instanceof Problem ? given.problem.message : t("not_sent_away") })}`);
    else if (given) say(said, given.state === "sending" ? t("sending") : `✓ ${t(`done_${given.kind}`)}`);
    else if (one.withdrawn !== null) say(said, t("gone_meanwhile", { why: one.withdrawn }));
    else say(said, left <= 0 ? t("expired_meanwhile") : "");
  }

  const mayAct = () => shown && !readOnly && performance.now() - since > SETTLES_MS && (answers.of(shown.id)?.state ?? "failed") === "failed";

  /** @param {"accepted"} kind */
  function act(kind) {
    if (!shown || !mayAct()) return;
    const given = answers.of(shown.id);
    answers.give(shown, kind);
    if (!given && document.activeElement === accept) element.focus({ preventScroll: true });
  }

  /** @param {"edited" | "dismissed"} kind */
  function open(kind) {
    if (shown && mayAct()) asked.open(kind, kind === "edited" ? shown.told.text : "");
  }

  return { element, draw, accept: () => act("accepted"), edit: () => open("edited"), dismiss: () => open("dismissed") };
}
