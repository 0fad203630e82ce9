// What language models cost, by scenario, prompt, model, day or stage.

import { get } from "../api.js";
import { lines } from "../chart.js";
import { fill, h } from "../dom.js";
import { number, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const BY = ["scenario", "prompt", "model", "day", "stage"];

/** @type {import("./page.js").Tab} */
export function cost(root, context) {
  const by = h("select", {}, BY.map((one) => h("option", { value: one }, t(one))));
  const since = h("select", {}, [1, 7, 30].map((days) => h("option", { value: `${days}d` }, t("days", { count: days }))));
  by.value = BY.find((one) => one === context.url.searchParams.get("by")) ?? "scenario";
  since.value = "30d";
  const body = h("div");
  const drawn = h("div");
  fill(root, h("section", { class: "card" }, h("div", { class: "row filters" }, h("label", {}, t("by_what"), by), h("label", {}, t("since"), since)), body), drawn);
  for (const one of [by, since]) one.addEventListener("change", look);

  async function look() {
    const url = new URL(location.href);
    url.searchParams.set("by", by.value);
    context.note(url.pathname + url.search);
    try {
      const [found, days] = await Promise.all([by.value, "day"].map((one) => get("/v1/operations/cost", { by: one, since: since.value })));
      fill(body, found.items.length ? table(found.items, by.value) : h("p", { class: "empty" }, t("no_cost")), found.unpriced.length > 0 && h("p", { class: "warn" }, t("unpriced", { models: found.unpriced.join(", ") })));
      const points = days.items.filter((/** @type {any} */ one) => one.usd !== null).map((/** @type {any} */ one) => [Date.parse(one.name), one.usd]);
      fill(drawn, points.length > 1 && h("section", { class: "card" }, h("h2", {}, t("cost_by_day")), lines({ label: t("cost_by_day"), series: [{ name: t("usd"), points }], format: (value) => number(value, 2) })));
    } catch (error) {
      context.fault(error);
    }
  }

  look();
}

/** @param {any[]} items @param {string} by */
function table(items, by) {
  const heads = ["requests", "calls", "tokens_in", "tokens_out", "usd", "usd_call"];
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("cost") },
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t(by)), heads.map((one) => h("th", { scope: "col", class: "number" }, t(one))))),
      h("tbody", {}, items.map((one) => h("tr", {}, h("th", { scope: "row" }, one.name || "–"),
        [number(one.requests), number(one.calls), number(one.input_tokens), number(one.output_tokens), one.usd === null ? t("not_known") : number(one.usd, 4), one.usd_per_call === null ? "–" : number(one.usd_per_call, 5)].map((text) => h("td", { class: "number" }, text)))))));
}
