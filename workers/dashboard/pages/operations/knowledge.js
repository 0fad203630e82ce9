// How well the knowledge base answers what customers ask, and what it has no answer to.

import { get, part } from "../api.js";
import { fill, h } from "../dom.js";
import { moment, number, percent, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @type {import("./page.js").Tab} */
export function knowledge(root, context) {
  const scenario = h("select", {});
  const body = h("div", { role: "status" });
  fill(root, h("section", { class: "card" }, h("div", { class: "row filters" }, h("label", {}, t("knowledge_of"), scenario)), body));
  scenario.addEventListener("change", look);

  async function begin() {
    try {
      const found = await get("/v1/aggregate", { of: "calls", by: "scenario", limit: 100 });
      const names = found.groups.map((/** @type {any} */ group) => group.names[0]);
      fill(scenario, names.map((/** @type {string} */ name) => h("option", { value: name }, name)));
      const asked = context.url.searchParams.get("scenario");
      if (names.includes(asked)) scenario.value = asked;
      if (names.length) await look();
      else fill(body, h("p", { class: "empty" }, t("no_questions")));
    } catch (error) {
      context.fault(error);
    }
  }

  async function look() {
    const url = new URL(location.href);
    url.searchParams.set("scenario", scenario.value);
    context.note(url.pathname + url.search);
    fill(body, h("p", { class: "help" }, t("counting")));
    try {
      const found = await get(`/v1/operations/knowledge/${part(scenario.value)}`);
      fill(
        body,
        found.asked ? h("p", {}, t("hit_rate", { share: percent(found.hit_rate), count: number(found.asked), low: percent(found.low), high: percent(found.high) })) : h("p", { class: "empty" }, t("no_questions")),
        found.misses.length > 0 && [h("h2", {}, t("misses")), table(found.misses)],
        h("p", { class: "help" }, t("counted_at", { at: moment(found.at) })),
      );
    } catch (error) {
      fill(body);
      context.fault(error);
    }
  }

  begin();
}

/** @param {any[]} misses */
function table(misses) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("misses") },
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("question")), h("th", { scope: "col", class: "number" }, t("times")), h("th", { scope: "col" }, t("nearest")))),
      h("tbody", {}, misses.map((one) => h("tr", {}, h("td", {}, one.question), h("td", { class: "number" }, number(one.times)), h("td", {}, one.nearest ?? "–"))))));
}
