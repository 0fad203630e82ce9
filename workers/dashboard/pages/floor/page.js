// The floor: all calls that are on, those that need somebody first, quick with thousands of them.

import { part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { keys } from "../keys.js";
import { follow } from "../stream.js";
import { learn } from "../titles.js";
import { number, words } from "../words.js";
import { Calls } from "./calls.js";
import { filters, fromAddress, toAddress } from "./filters.js";
import { grid } from "./grid.js";
import { COLUMNS, makeRow, updateRow } from "./row.js";
import { en, zh } from "./words.js";

/** @typedef {import("./attention.js").Line} Line */

const t = words({ en, zh });
const ROW_PX = 44;
const SORT_MS = 2000;
const MOST_NAMED = 50;
const TOTALS = /** @type {const} */ (["calls", "alerts", "silent", "negative", "held"]);

/** @type {import("../pages.js").PageModule["mount"]} */
export function mount(root, context) {
  const asked = fromAddress(context.url);
  const calls = new Calls(asked.filter, asked.column, asked.down);
  let sortedAt = 0;
  let news = /** @type {Line[]} */ ([]);
  let isHere = false;
  let frame = 0;

  const totals = new Map(TOTALS.map((name) => [name, h("dd", { class: name }, "0")]));
  const rule = h("p", { class: "help" });
  const shown = h("span", { class: "help" });
  const bell = h("button", { type: "button", class: "main floor-news", hidden: true, onclick: toNews });
  const empty = h("p", { class: "empty", hidden: true });
  const heads = new Map(COLUMNS.map(([name, column]) => [name, h("div", { role: "columnheader", class: `cell ${name}` },
    h("button", { type: "button", onclick: () => sortBy(column) }, t(name)))]));
  const head = h("div", { role: "row", class: "floor-head", "aria-rowindex": "1" }, [...heads.values()]);
  const list = grid(t("list"), head, ROW_PX, {
    count: () => calls.shown.length,
    id: (place) => calls.shown[place],
    place: (id) => calls.shown.indexOf(id),
    make: () => makeRow((row) => acknowledge(row.line)),
    update: (row, place) => {
      const line = calls.at(place);
      if (line) updateRow(row, line, calls.now());
    },
    open: (place) => {
      const line = calls.at(place);
      if (line) context.go(`/desk?call=${part(line.call_id)}`);
    },
  });
  const bar = filters(calls, () => { note(); sort(); });
  fill(
    root,
    h("div", { class: "floor-top" },
      h("h1", {}, t("title")),
      h("dl", { class: "floor-totals" }, TOTALS.map((name) => h("div", { dataset: { total: name } }, h("dt", {}, t(name)), totals.get(name)))),
      bell,
    ),
    bar.element,
    h("div", { class: "card floor-card" }, list.element, empty),
    h("details", { class: "floor-rule help" }, h("summary", {}, t("by_attention"), " · ", shown), rule, h("p", {}, t("tone")), h("p", {}, t("waits"))),
  );

  function draw() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => {
      for (const name of TOTALS) say(/** @type {Element} */ (totals.get(name)), number(calls.totals[name]));
      say(rule, t("rule", { quiet: number(calls.quietS) }));
      say(shown, t("shown", { shown: number(calls.shown.length), all: number(calls.totals.calls) }));
      empty.hidden = !isHere || calls.shown.length > 0;
      say(empty, calls.all.size ? t("none_fit") : t("none"));
      list.draw();
    });
  }

  function sort() {
    sortedAt = performance.now();
    calls.sort();
    for (const [name, column] of COLUMNS) {
      const way = calls.down ? "descending" : "ascending";
      heads.get(name)?.setAttribute("aria-sort", column === calls.column ? way : "none");
    }
    for (const scenario of calls.values("scenario", MOST_NAMED)) learn(scenario, named);
    bar.update();
    draw();
  }

  function named() {
    bar.update();
    draw();
  }

  /** Sort again where that moves nothing under somebody's hands. */
  function settle() {
    if (list.isBusy()) calls.append();
    else if (calls.isStale && performance.now() - sortedAt >= SORT_MS) return sort();
    draw();
  }

  /** @param {import("./attention.js").Column} column */
  function sortBy(column) {
    calls.down = calls.column === column && !calls.down;
    calls.column = column;
    note();
    sort();
  }

  function note() {
    context.note(toAddress(calls));
  }

  /** @param {Line[]} alarming */
  function ring(alarming) {
    if (!alarming.length) return;
    const about = new Set(alarming.map((line) => line.call_id));
    news = [...news.filter((line) => !about.has(line.call_id)), ...alarming];
    showNews();
    context.announce(t(news.length === 1 ? "announced_one" : "announced", { count: news.length, title: alarming.at(-1)?.alert?.title ?? "" }));
  }

  function showNews() {
    news = news.filter((line) => (calls.all.get(line.call_id)?.unseen ?? 0) > 0);
    bell.hidden = !news.length;
    say(bell, news.length === 1 ? t("new_alert") : t("new_alerts", { count: number(news.length) }));
  }

  function toNews() {
    news = [];
    showNews();
    if (calls.column !== "attention" || calls.down) Object.assign(calls, { column: "attention", down: false });
    note();
    sort();
    list.top();
    list.choose(0);
  }

  /** @param {Line | undefined} line */
  async function acknowledge(line) {
    if (!line?.alert || !line.unseen) return;
    try {
      const now = await post(`/v1/floor/calls/${part(line.call_id)}/seen`, { alert: line.alert.alert_id });
      if (calls.all.has(now.call_id)) calls.all.set(now.call_id, now);
      calls.isStale = true;
      showNews();
      settle();
    } catch (error) {
      context.fault(error);
    }
  }

  const chosen = () => calls.all.get(/** @type {any} */ (document.activeElement?.closest(".floor-row"))?.dataset.key ?? "");
  const leaveKeys = keys([
    { key: "l", says: t("key_list"), does: () => list.choose(0) },
    { key: "/", says: t("key_search"), does: () => bar.search.focus() },
    { key: "a", says: t("key_seen"), does: () => acknowledge(chosen()) },
    { key: "n", says: t("key_new"), does: toNews },
    { key: "o", says: t("key_only"), does: () => bar.only.click() },
  ]);
  const stream = follow("/v1/floor/stream", {}, {
    snapshot: (told) => {
      calls.snapshot(told);
      isHere = true;
      showNews();
      if (list.isBusy()) settle();
      else sort();
    },
    changes: (told) => {
      ring(calls.changes(told));
      showNews();
      settle();
    },
  });
  const timer = window.setInterval(settle, 1000);
  sort();
  return () => {
    clearInterval(timer);
    cancelAnimationFrame(frame);
    stream.close();
    leaveKeys();
  };
}
