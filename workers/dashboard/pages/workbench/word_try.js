// Words tried on stored calls: which rule would find what, counted over slices of calls, with some quotes of each.

import { part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { clock, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const ENOUGH_CALLS = 100;
const QUOTES = 8;

/** @param {import("./page.js").Bench} bench @param {() => any} value @param {(error: unknown) => void} refused */
export function wordTry(bench, value, refused) {
  const said = h("p", { role: "status" });
  const found = h("div", { class: "stack" });
  const stop = h("button", { type: "button", hidden: true, onclick: () => (turn += 1) }, t("stop"));
  let turn = 0;

  async function run() {
    const mine = ++turn;
    let after = null;
    let calls = 0;
    const rules = /** @type {Map<string, any>} */ (new Map());
    stop.hidden = false;
    fill(found);
    try {
      do {
        const slice = /** @type {any} */ (await post("/v1/workbench/words/try", { ...bench.place, ...value(), after }));
        if (mine !== turn) break;
        calls += slice.calls;
        for (const call of slice.items) for (const rule of call.rules) count(rules, call, rule);
        after = slice.next;
        say(said, t("trying", { calls }));
      } while (after && calls < ENOUGH_CALLS);
      say(said, calls ? t("words_tried", { calls }) : t("no_calls"));
      const changed = (/** @type {any} */ one) => one.new + one.gone;
      fill(found, rules.size ? [...rules.values()].sort((a, b) => changed(b) - changed(a)).map(row) : calls > 0 && h("p", { class: "help" }, t("rules_none")));
    } catch (error) {
      say(said, "");
      refused(error);
    }
    stop.hidden = true;
  }

  return { element: h("section", { class: "stack" }, h("div", { class: "row" }, said, stop), found), run, end: () => (turn += 1) };
}

/** @param {Map<string, any>} rules @param {any} call @param {any} rule */
function count(rules, call, rule) {
  const key = `${rule.kind}:${rule.name}`;
  const sum = rules.get(key) ?? { kind: rule.kind, name: rule.name, calls: 0, same: 0, new: 0, gone: 0, places: [] };
  sum[rule.change] += 1;
  if (rule.change !== "gone") sum.calls += 1;
  for (const place of rule.places) if (sum.places.length < QUOTES) sum.places.push({ ...place, call: call.call_id, change: rule.change });
  rules.set(key, sum);
}

/** @param {any} rule */
function row(rule) {
  const missing = rule.kind === "missing_phrase";
  const changes = ["new", "gone", "same"].filter((one) => rule[one]).map((one) => h("span", { class: `badge ${one === "new" ? "warn" : ""}` }, `${t(`finds_${one}`)}: ${t("calls_n", { count: rule[one] })}`));
  return h("div", { class: "rule" },
    h("div", { class: "row" }, h("strong", {}, rule.name), h("span", {}, t(missing ? "missing_in" : "said_in", { count: rule.calls })), changes),
    rule.places.map((/** @type {any} */ one) => h("blockquote", {}, h("a", { href: `/calls/${part(one.call)}` }, `${one.call} ${clock(one.at_ms)}`), ` ${t(`role_${one.role}`)}: `, one.quote, one.change !== "same" && ` (${t(`finds_${one.change}`)})`)));
}
