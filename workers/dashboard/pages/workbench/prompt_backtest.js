// A back-test of one version against what runs: started here, done on the server, followed until its end.

import { get, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { number, percent, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const LOOK_MS = 1500;
const PATH = "/v1/workbench/backtest";

/** @param {import("./page.js").Bench} bench @param {any} prompt @param {() => string} text @param {(error: unknown) => void} refused */
export function promptBacktest(bench, prompt, text, refused) {
  const said = h("p", { role: "status" });
  const found = h("div", { class: "stack" });
  const start = h("button", { type: "button", id: "backtest", disabled: !bench.hasModel, onclick: begin }, t("backtest"));
  let timer = 0;

  async function begin() {
    fill(found);
    start.disabled = true;
    try {
      follow(await post(PATH, { ...bench.place, text: text(), against: prompt.runs }));
    } catch (error) {
      start.disabled = !bench.hasModel;
      refused(error);
    }
  }

  /** @param {any} now */
  function follow(now) {
    start.disabled = !bench.hasModel || now.state === "running";
    if (now.state === "running") {
      say(said, t("backtest_on", { done: now.done, all: now.all }));
      timer = window.setTimeout(() => get(PATH).then(follow, refused), LOOK_MS);
    } else if (now.state === "failed") say(said, t("backtest_failed", { why: now.why }));
    else if (now.result) {
      say(said, now.objection ? t("refused", { why: now.objection }) : t("may"));
      fill(found, table(now.result));
    }
  }

  return {
    element: h("section", { class: "stack" }, h("p", { class: "help" }, t(bench.hasModel ? "backtest_help" : "no_model")), h("div", { class: "row" }, start, said), found),
    end: () => clearTimeout(timer),
  };
}

/** @param {any} result */
function table(result) {
  const f1 = (/** @type {any} */ one) => (one?.f1 === null || one?.f1 === undefined ? "–" : `${number(one.f1, 3)} (${one.low === null ? "–" : number(one.low, 3)} … ${one.high === null ? "–" : number(one.high, 3)})`);
  const by = (/** @type {any} */ side, /** @type {string} */ name) => side.fields.find((/** @type {any} */ one) => one.field === name);
  const names = [...new Set([...result.a.fields, ...result.b.fields].map((one) => one.field))];
  return h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("bt_field")), h("th", { scope: "col" }, `${t("bt_now")} (${result.a.label})`), h("th", { scope: "col" }, `${t("bt_new")} (${result.b.label})`), h("th", { scope: "col" }, t("bt_change")))),
    h("tbody", {},
      names.map((name) => {
        const change = result.changes.find((/** @type {any} */ one) => one.field === name);
        return h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, f1(by(result.a, name))), h("td", {}, f1(by(result.b, name))), h("td", {}, change ? f1({ f1: change.difference, low: change.low, high: change.high }) : "–"));
      }),
      h("tr", {}, h("th", { scope: "row" }, t("bt_valid")), h("td", {}, percent(1 - result.a.failed / Math.max(1, result.a.calls))), h("td", {}, percent(1 - result.b.failed / Math.max(1, result.b.calls))), h("td", {})),
      h("tr", {}, h("th", { scope: "row" }, t("bt_calls")), h("td", {}, number(result.a.calls)), h("td", {}, number(result.b.calls)), h("td", {})))));
}
