// The words of the call as they come; it stays at the end unless somebody reads further up.

import { fill, h, keep, say } from "../dom.js";
import { clock } from "../words.js";
import { t, who } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./turns.js").Turn} Turn */

/** Pixels from the end that still count as being there. */
const NEAR = 40;
/** A call of which nothing was heard for so long from its start has lost its beginning. */
const SILENT_MS = 15_000;

export function transcript() {
  const before = h("p", { class: "help", hidden: true });
  const list = h("ol", { class: "plain live-turns" });
  const empty = h("p", { class: "empty" }, t("nothing_said"));
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "log", "aria-live": "off", "aria-label": t("transcript") }, before, empty, list);
  const newest = h("button", { type: "button", class: "newest", hidden: true, onclick: toEnd }, "↓ ", t("newest"), " ", h("kbd", {}, "n"));
  const element = h("section", { class: "card words", "aria-label": t("transcript") }, h("h2", {}, t("transcript")), scroll, newest);
  let shown = /** @type {Call | null} */ (null);
  let drawn = -1;
  let isAtEnd = true;

  scroll.addEventListener("scroll", () => {
    isAtEnd = scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
    if (isAtEnd) newest.hidden = true;
    scroll.classList.toggle("goes-on", scroll.scrollTop > 0); // above, so that a turn that is cut fades
    if (shown) shown.turns.isRead = !isAtEnd;
  }, { passive: true });

  function toEnd() {
    isAtEnd = true;
    newest.hidden = true;
    scroll.scrollTop = scroll.scrollHeight;
  }

  /** @param {Call} call */
  function draw(call) {
    const isOther = call !== shown;
    if (isOther) {
      list.replaceChildren();
      if (shown) shown.turns.isRead = false;
      shown = call;
      isAtEnd = true;
      drawn = -1;
    }
    tellBefore(call);
    if (call.turns.version === drawn) return;
    const isMore = drawn >= 0;
    drawn = call.turns.version;
    const rows = call.turns.rows.filter((one) => one.kind !== "said" || one.text.trim());
    keep(list, rows, (one) => one.key, made, (row, one) => update(row, one, call));
    empty.hidden = rows.length > 0;
    if (isAtEnd) scroll.scrollTop = scroll.scrollHeight;
    else if (isMore) newest.hidden = false;
  }

  /** @param {Call} call */
  function tellBefore(call) {
    const isCut = call.turns.dropped > 0 || (call.stored === "nothing" && call.turns.rows[0]?.at > SILENT_MS);
    if (before.hidden === !isCut && before.dataset.of === call.id) return;
    before.hidden = !isCut;
    before.dataset.of = call.id;
    if (isCut) fill(before, t(call.turns.dropped ? "left_out" : "not_here"), " ", h("a", { href: `/calls/${encodeURIComponent(call.id)}`, target: "_blank" }, t("all_words")));
  }

  return { element, draw, toEnd };
}

/** @param {Turn} turn */
function made(turn) {
  if (turn.kind !== "said") return h("li", { class: `turn live-turn mark ${turn.kind}` });
  return h("li", { class: `turn live-turn role-${turn.role}` }, h("span", { class: "who" }, who(turn.role), " ", h("time", {}, clock(turn.at))), h("p", {}));
}

/** @param {HTMLElement} element @param {Turn} turn @param {Call} call */
function update(element, turn, call) {
  if (turn.kind !== "said") {
    const seconds = Math.max(1, Math.round((turn.until - turn.at) / 1000));
    const text = turn.kind === "gap" ? t("gap", { s: seconds, who: who(call.roleOf(turn.channel)) }) : t(turn.kind);
    return say(element, `${clock(turn.at)} · ${text}`);
  }
  element.classList.toggle("partial", !turn.final);
  say(/** @type {Element} */ (element.lastElementChild), turn.final ? turn.text : `${turn.text} …`);
}
