// The words of a call, turn by turn, with what was mined marked where it was said; what is played is marked, too.

import { h } from "../dom.js";
import { clock, words } from "../words.js";
import { wordsOf } from "./evidence.js";
import { en, zh } from "./words.js";

/** @typedef {import("./evidence.js").Mark} Mark */
/** @typedef {import("./evidence.js").Segment} Segment */
/** @typedef {(label: string) => string} Named a label of the call's scenario as people read it */

const t = words({ en, zh });
const REST_MS = 4_000;
const PLAYED = "played-word";
const TAGGED = new Set(["intent", "objection", "compliance", "follow_up", "tone"]);

/**
 * @param {Segment[]} segments @param {Mark[]} marks @param {string | null} language @param {Named} named
 * @param {(ms: number, key: string) => void} play from a time, of a mark or of a turn
 */
export function transcript(segments, marks, language, named, play) {
  const turns = segments.map((segment, at) => turn(segment, marks.filter((mark) => mark.segment === at), named, () => play(segment.start_ms, "")));
  const list = h("ol", { class: "plain turns", lang: language === "zh" ? "zh-CN" : language }, turns);
  const box = h("div", { class: "transcript scroll", tabindex: "0", role: "region", "aria-label": t("transcript") }, list);
  let now = -1;
  let moved = 0;

  const chosen = (/** @type {Event} */ event) => (event.target instanceof Element ? event.target.closest(".quote") : null);
  const from = (/** @type {Element | null} */ quote) => quote instanceof HTMLElement && play(Number(quote.dataset.ms), quote.dataset.mark ?? "");
  list.addEventListener("click", (/** @type {Event} */ event) => from(chosen(event)));
  list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (!chosen(event) || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    event.stopPropagation();
    from(chosen(event));
  });
  for (const name of ["wheel", "touchmove"]) box.addEventListener(name, () => (moved = Date.now()), { passive: true });

  /** Mark what is said at this time. @param {number} at number of a segment @param {number} ms @param {boolean} [bring] it into view, whoever scrolled */
  function show(at, ms, bring = false) {
    if (at !== now) {
      turns[now]?.classList.remove("is-said");
      turns[now]?.removeAttribute("aria-current");
      now = at;
      turns[at]?.classList.add("is-said");
      turns[at]?.setAttribute("aria-current", "true");
      if (turns[at] && (bring || Date.now() - moved > REST_MS)) into(turns[at]);
    } else if (bring && turns[at]) into(turns[at]);
    word(at, ms);
  }

  /** @param {HTMLElement} element scrolled within the box alone, and only as far as it must */
  function into(element) {
    const [top, bottom] = [element.offsetTop - box.offsetTop, element.offsetTop - box.offsetTop + element.offsetHeight];
    if (top < box.scrollTop + 24) box.scrollTop = top - 24;
    else if (bottom > box.scrollTop + box.clientHeight - 24) box.scrollTop = bottom - box.clientHeight + 24;
  }

  /** The word that is said, without a change to the page's elements. @param {number} at @param {number} ms */
  function word(at, ms) {
    if (!("highlights" in CSS)) return;
    const said = at < 0 ? undefined : wordsOf(segments[at]).findLast(({ word: one }) => one.start_ms <= ms);
    const range = said && ms <= said.word.end_ms + 400 ? rangeOf(turns[at].querySelector(".text"), said.from, said.from + said.word.text.length) : null;
    if (range) CSS.highlights.set(PLAYED, new Highlight(range));
    else CSS.highlights.delete(PLAYED);
  }

  return { element: box, show, leave: () => "highlights" in CSS && CSS.highlights.delete(PLAYED) };
}

/** @param {Segment} segment @param {Mark[]} marks @param {Named} named @param {() => void} play */
function turn(segment, marks, named, play) {
  const tags = marks.filter((mark) => TAGGED.has(mark.kind));
  return h("li", { class: `turn turn-${segment.role}` },
    h("p", { class: "who" },
      h("span", { class: `role-${segment.role}` }, t(`role_${segment.role}`)), " ",
      h("button", { type: "button", class: "plain", "aria-label": t("play_from", { at: clock(segment.start_ms) }), onclick: play }, clock(segment.start_ms)),
      tags.map((mark) => h("span", { class: `tag tag-${mark.kind}` }, tagOf(mark, named)))),
    h("p", { class: "text" }, quoted(segment.text, marks, named)));
}

/** What is said of a mark. @param {Mark} mark @param {Named} named */
function tagOf(mark, named) {
  const name = mark.kind === "tone" ? t(`tone_${mark.name}`) : mark.kind === "follow_up" ? "" : named(mark.name);
  return name ? `${t(mark.kind)}${t("colon")}${name}` : t(mark.kind);
}

/** The text with its quotes, always as text: quotes that overlap are one to press, whatever is marked within it. @param {string} text @param {Mark[]} marks in order of start @param {Named} named */
function quoted(text, marks, named) {
  const parts = [];
  let told = 0;
  for (const { start, end, marks: on } of together(marks)) {
    const says = [...new Set(on.map((mark) => tagOf(mark, named)))].join("; ");
    parts.push(text.slice(told, start), h("span", { class: "quote", role: "button", tabindex: "0", title: says, "aria-label": t("quote", { text: text.slice(start, end), says }), dataset: { ms: on[0].from_ms, mark: on[0].key } }, pieces(text, start, end, on)));
    told = end;
  }
  return [...parts, text.slice(told)];
}

/** Marks that overlap, each group with where it begins and ends. @param {Mark[]} marks in order of start */
function together(marks) {
  const groups = /** @type {{start: number, end: number, marks: Mark[]}[]} */ ([]);
  for (const mark of marks) {
    const last = groups.at(-1);
    if (last && mark.start < last.end) {
      last.end = Math.max(last.end, mark.end);
      last.marks.push(mark);
    } else if (mark.end > mark.start) groups.push({ start: mark.start, end: mark.end, marks: [mark] });
  }
  return groups;
}

/** The text from one place to another, cut wherever a mark begins or ends. @param {string} text @param {number} from @param {number} to @param {Mark[]} marks */
function pieces(text, from, to, marks) {
  const cuts = [...new Set([from, to, ...marks.flatMap((mark) => [mark.start, mark.end])])].sort((a, b) => a - b);
  return cuts.slice(0, -1).map((start, at) => {
    const on = marks.filter((mark) => mark.start <= start && mark.end >= cuts[at + 1]);
    return h("mark", { class: on.map((mark) => `quote-${mark.kind}`).join(" ") }, text.slice(start, cuts[at + 1]));
  });
}

/** @param {Element | null} element @param {number} start @param {number} end @returns {Range | null} */
function rangeOf(element, start, end) {
  if (!element) return null;
  const range = document.createRange();
  const walk = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let at = 0;
  let begun = false;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const length = node.textContent?.length ?? 0;
    if (!begun && start < at + length) {
      range.setStart(node, start - at);
      begun = true;
    }
    if (begun && end <= at + length) {
      range.setEnd(node, end - at);
      return range;
    }
    at += length;
  }
  return null;
}
