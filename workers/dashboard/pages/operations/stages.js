// How far each stage is, looked at every five seconds.

import { get } from "../api.js";
import { spark } from "../chart.js";
import { fill, h, keep, say } from "../dom.js";
import { clock, number, timeOfDay, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const EVERY_MS = 5000;

/** @type {import("./page.js").Tab} */
export function stages(root, context) {
  const told = h("p", { class: "help", role: "status" });
  const rows = h("tbody");
  fill(
    root,
    h("section", { class: "card" }, told,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("stages") },
        h("table", {}, h("thead", {}, h("tr", {}, ["stage", "lane"].map((one) => h("th", { scope: "col" }, t(one))), ["waiting", "rate", "catches_up"].map((one) => h("th", { scope: "col", class: "number" }, t(one))), h("th", { scope: "col" }, t("lately")))), rows))),
  );
  let timer = 0;
  const ending = new AbortController();

  async function look() {
    try {
      const course = await get("/v1/operations/stages", {}, ending.signal);
      if (ending.signal.aborted) return;
      show(course);
    } catch (error) {
      if (!ending.signal.aborted) context.fault(error);
    }
    if (!ending.signal.aborted) timer = window.setTimeout(look, EVERY_MS);
  }

  /** @param {any} course */
  function show(course) {
    const all = course.items.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.waiting, 0);
    const away = course.away && t("away", { reason: course.away, at: timeOfDay(course.at_ms) });
    say(told, away || (course.items.length ? t("all_waiting", { count: number(all) }) : t("no_stages")));
    told.className = course.away ? "warn" : "help";
    keep(rows, course.items, (one) => `${one.stage}.${one.lane}`, row, update);
  }

  look();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}

/** @param {any} one */
const row = (one) => h("tr", {}, h("th", { scope: "row" }, one.stage), h("td", {}, t(`lane_${one.lane}`)), h("td", { class: "number" }), h("td", { class: "number" }), h("td", { class: "number" }), h("td", { class: "spark" }));

/** @param {HTMLTableRowElement} element @param {any} one */
function update(element, one) {
  const [, , waiting, rate, when, lately] = element.cells;
  say(waiting, number(one.waiting));
  say(rate, one.per_second === null ? "–" : number(one.per_second, 1));
  const behind = one.waiting > 0 && one.per_second !== null && one.catches_up_s === null;
  say(when, one.waiting === 0 ? t("up_to_date") : behind ? t("falls_behind") : one.catches_up_s === null ? t("not_yet") : clock(one.catches_up_s * 1000));
  when.className = behind ? "number bad" : "number";
  const values = one.lately.map((/** @type {[number, number]} */ pair) => pair[1]);
  const drawn = values.join();
  if (lately.dataset.drawn !== drawn) {
    lately.dataset.drawn = drawn;
    fill(lately, spark(values));
  }
}
