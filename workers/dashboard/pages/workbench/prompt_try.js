// A version on the newest stored calls beside what runs: what each finds, in two columns.

import { part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { clock, number, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @param {import("./page.js").Bench} bench @param {any} prompt @param {() => string} text @param {(error: unknown) => void} refused */
export function promptTry(bench, prompt, text, refused) {
  const said = h("p", { role: "status" });
  const found = h("div", { class: "stack" });
  const start = h("button", { type: "button", id: "prompt-try", disabled: !bench.hasModel, onclick: run }, t("side_by_side"));

  async function run() {
    start.disabled = true;
    fill(found);
    say(said, t("asking_model"));
    try {
      const tried = await post("/v1/workbench/prompts/try", { ...bench.place, text: text(), against: prompt.runs });
      say(said, !tried.items.length ? t("no_calls") : tried.usd === null ? "" : t("cost", { usd: number(tried.usd, 4) }));
      fill(found, tried.items.map((/** @type {any} */ one) => table(one, tried.versions)));
    } catch (error) {
      say(said, "");
      refused(error);
    }
    start.disabled = false;
  }

  return { element: h("section", { class: "stack" }, h("div", { class: "row" }, start, said), found) };
}

/** @param {any} one @param {string[]} versions */
function table(one, versions) {
  return h("div", { class: "scroll" }, h("table", {},
    h("caption", {}, h("a", { href: `/calls/${part(one.call_id)}` }, one.call_id)),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("bt_field")), versions.map((label) => h("th", { scope: "col" }, label)))),
    h("tbody", {},
      one.errors.some(Boolean) && h("tr", {}, h("th", { scope: "row" }, t("no_answer")), one.errors.map((/** @type {string | null} */ error) => h("td", { class: "bad" }, error ?? "–"))),
      one.rows.map((/** @type {any} */ row) => h("tr", {}, h("th", { scope: "row" }, row.field, row.at_ms !== null && ` ${clock(row.at_ms)}`), row.cells.map((/** @type {string | null} */ cell) => h("td", {}, cell ?? "–")))))));
}
