// What was mined of a call, and what was suggested in it; each with its words, from which it can be heard.

import { h } from "../dom.js";
import { clock, day, number, percent, plain, words } from "../words.js";
import { en, zh } from "./words.js";

/** @typedef {import("./evidence.js").Mark} Mark */
/** @typedef {(ms: number, key: string) => void} Play */

const t = words({ en, zh });
const FEEDBACK = { accepted: "good", edited: "good", dismissed: "warn" };

/** @param {any} view @param {Mark[]} marks @param {import("./transcript.js").Named} named @param {Play} play */
export function findings(view, marks, named, play) {
  const heard = (/** @type {string} */ kind, /** @type {string} */ quote) => {
    const mark = marks.find((one) => one.kind === kind && one.quote === quote);
    return h("blockquote", {}, mark ? [jump(mark, play), " "] : null, quote);
  };
  return [
    section("suggestions", view.suggestions, (one) => [
      h("p", {}, h("strong", {}, one.title), " ", became(one)),
      h("p", {}, one.text),
      h("p", { class: "help" }, h("button", { type: "button", class: "plain", "aria-label": t("play_from", { at: clock(one.at_ms) }), onclick: () => play(one.at_ms, "") }, `▶ ${clock(one.at_ms)}`), " ", one.reason),
    ]),
    section("objections", view.objections, (one) => [
      h("p", {}, h("strong", {}, one.topic ? named(one.topic) : t("objection")), " ", h("span", { class: `badge ${{ answered: "good", ignored: "bad" }[/** @type {"answered"} */ (one.handling)] ?? "warn"}` }, t(`handling_${one.handling}`))),
      heard("objection", one.quote), one.answer && h("p", { class: "help" }, t("answer"), t("colon"), one.answer),
    ]),
    section("compliance_all", view.compliance, (one) => [
      h("p", {}, h("span", { class: "badge bad" }, t(one.kind)), " ", plain(one.name)), one.quotes.map((/** @type {string} */ quote) => heard("compliance", quote)),
    ]),
    section("follow_ups", view.follow_ups, (one) => [
      h("p", {}, h("span", { class: `role-${one.role}` }, t(`role_${one.role}`)), t("colon"), one.what, one.due && h("span", { class: "badge" }, t("due", { day: day(one.due) }))), heard("follow_up", one.quote),
    ]),
    section("intents", view.intents, (one) => [
      h("p", {}, h("strong", {}, named(one.name)), " ", h("span", { class: "help" }, [t(`role_${one.role}`), one.topic && named(one.topic), t(`tone_${one.sentiment}`), percent(one.confidence)].filter(Boolean).join(" · "))), heard("intent", one.quote),
    ], true),
    section("entities", view.entities, (one) => [h("p", {}, h("strong", {}, named(one.name)), t("colon"), one.value, one.unit && h("span", { class: "help" }, ` (${[one.amount, one.unit].filter((part) => part !== null).join(" ")})`)), heard("entity", one.quote)], true),
    section("tones", view.tone_turns, (one) => [h("p", {}, h("span", { class: `role-${one.role}` }, t(`role_${one.role}`)), t("colon"), t(`tone_${one.change}`)), heard("tone", one.quote)], true),
    view.talk && talk(view.talk),
  ];
}

/** @param {Mark} mark @param {Play} play */
const jump = (mark, play) => h("button", { type: "button", class: "plain jump", "aria-label": t("hear", { at: clock(mark.from_ms) }), onclick: () => play(mark.from_ms, mark.key) }, `▶ ${clock(mark.from_ms)}`);

/** @param {string} name @param {any[]} items @param {(item: any) => any[]} write @param {boolean} [folded] */
function section(name, items, write, folded = false) {
  if (!items.length) return null;
  return h("details", { class: `card found-${name}`, open: !folded }, h("summary", {}, h("h2", {}, t(name), " ", h("span", { class: "help" }, number(items.length)))), h("ul", { class: "plain findings" }, items.map((one) => h("li", {}, write(one)))));
}

/** What became of a suggestion. @param {{feedback: string | null, withdrawn: string | null}} one */
function became({ feedback, withdrawn }) {
  if (feedback) return h("span", { class: `badge ${FEEDBACK[/** @type {"accepted"} */ (feedback)] ?? ""}` }, t(`feedback_${feedback}`));
  return h("span", { class: "badge", title: withdrawn ?? "" }, t(withdrawn ? "withdrawn" : "feedback_none"));
}

/** @param {any} figures */
function talk(figures) {
  const side = (/** @type {any} */ one) => h("tr", {}, h("th", { scope: "row", class: `role-${one.role}` }, t(`role_${one.role}`)),
    h("td", { class: "number" }, percent(one.share)), h("td", { class: "number" }, number(one.turns)), h("td", { class: "number" }, one.units_per_minute === null ? "–" : number(one.units_per_minute)), h("td", { class: "number" }, one.interruptions ?? "–"));
  return h("details", { class: "card found-talk" }, h("summary", {}, h("h2", {}, t("talk"))),
    h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("side")), ["talk_share", "talk_turns", figures.unit === "words" ? "talk_wpm" : "talk_cpm", "talk_breaks"].map((one) => h("th", { scope: "col", class: "number" }, t(one))))), h("tbody", {}, figures.sides.map(side)))),
    figures.longest_pause_ms !== null && h("p", { class: "help" }, t("pauses", { longest: number(figures.longest_pause_ms / 1000, 1), dead: number((figures.dead_air_ms ?? 0) / 1000, 1), overlap: number((figures.overlap_ms ?? 0) / 1000, 1) })));
}
