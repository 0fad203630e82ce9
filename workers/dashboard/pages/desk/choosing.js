// Which call to read along with: those that are on, the newest first.

import { get } from "../api.js";
import { add, h, keep, say } from "../dom.js";
import { timeOfDay } from "../words.js";
import { named, t } from "./spoken.js";

/** @typedef {import("../pages.js").Context} Context */

const LOOK_MS = 3_000;
const MOST = 100;

/** @param {HTMLElement} root @param {Context} context */
export function choosing(root, context) {
  const filter = h("input", { type: "search", value: context.url.searchParams.get("find") ?? "", oninput: typed });
  const list = h("ul", { class: "plain live-calls" });
  const none = h("p", { class: "empty", hidden: true }, t("no_live"));
  const more = h("p", { class: "help" });
  add(root, [h("h1", {}, t("choose")), h("p", { class: "help" }, t("choose_help")), h("label", { class: "find" }, t("filter"), filter), none, list, more]);
  let all = /** @type {any[] | null} */ (null);
  let timer = 0;
  let isOver = false;

  function typed() {
    context.note(filter.value ? `/desk?find=${encodeURIComponent(filter.value)}` : "/desk");
    draw();
  }

  function draw() {
    if (!all) return;
    const sought = filter.value.trim().toLowerCase();
    const found = all.filter((one) => !sought || `${one.agent ?? ""} ${one.call_id}`.toLowerCase().includes(sought));
    none.hidden = found.length > 0;
    say(more, found.length > MOST ? t("more_calls", { n: found.length - MOST }) : "");
    keep(list, found.slice(0, MOST), (one) => one.call_id, made);
  }

  async function look() {
    try {
      if (!document.hidden) all = (await get("/v1/live")).items;
      if (!isOver) draw();
    } catch (error) {
      if (!isOver) context.fault(error);
    }
    if (!isOver) timer = window.setTimeout(look, LOOK_MS);
  }

  look();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** @param {any} one a call of /v1/live */
function made(one) {
  const about = [one.scenario && named(one.scenario), one.started_at && t("since_time", { time: timeOfDay(one.started_at) })].filter(Boolean).join(" · ");
  return h("li", {}, h("a", { class: "card", href: `/desk?call=${encodeURIComponent(one.call_id)}` }, h("strong", {}, one.agent ?? t("unknown")), h("span", {}, one.call_id), h("span", { class: "help" }, about)));
}
