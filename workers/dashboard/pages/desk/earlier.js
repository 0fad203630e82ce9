// The suggestions before this one, and what became of them.

import { h, keep, say } from "../dom.js";
import { timeOfDay } from "../words.js";
import { madeAt } from "./advice.js";
import { t } from "./spoken.js";

/** @typedef {import("./advice.js").Suggestion} Suggestion */
/** @typedef {import("./answers.js").Answers} Answers */

/** @param {Answers} answers */
export function earlier(answers) {
  const list = h("ol", { class: "plain" });
  const none = h("p", { class: "help" }, t("no_earlier"));
  const element = h("section", { class: "card earlier" }, h("h2", {}, t("earlier")), none, list);

  /** @param {{one: Suggestion, became: string}[]} all */
  function draw(all) {
    none.hidden = all.length > 0;
    keep(list, all, ({ one }) => one.id, ({ one }) => made(one), update);
  }

  /** @param {Suggestion} one */
  function made(one) {
    const again = h("button", { type: "button", hidden: true, onclick: () => answers.again(one) }, t("again"));
    return h("li", { title: one.told.text }, h("span", {}, one.told.title), " ", h("span", { class: "help" }), again);
  }

  /** @param {HTMLElement} element @param {{one: Suggestion, became: string}} item */
  function update(element, { one, became }) {
    const [, state, again] = /** @type {any} */ (element.children);
    const given = answers.of(one.id);
    const why = became === "withdrawn" && one.withdrawn ? `: ${one.withdrawn}` : "";
    const sent = given?.state === "failed" ? `⚠ ${t("not_sent", { why: t(`was_${became}`) })}` : `${t(`was_${became}`)}${why}`;
    say(state, `${timeOfDay(madeAt(one))} · ${sent}`);
    again.hidden = given?.state !== "failed";
  }

  return { element, draw };
}
