// Where the conversation is: the last steps, the present one, and what usually came next from there, drawn in fixed places.

import { h, say, svg } from "../dom.js";
import { number, percent } from "../words.js";
import { named, t, who } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */

const STEPS = 3;
const NEXT = 4;
const WIDTH = 560;
const HEIGHT = 196;
const HERE = { x: 0, y: 118, w: 190, h: 36 };
const TO = { x: 290, w: 270, h: 42, apart: 49 };
/** Units of width that fit: a letter has one, a Chinese character two. */
const FITS = { step: 27, next: 34 };

export function way() {
  const before = Array.from({ length: STEPS }, (_, place) => slot(0, 8 + place * 34, 190, 26, FITS.step, "step"));
  const joints = before.map((_, place) => svg("path", { class: "joint", d: `M 20 ${34 + place * 34} v ${place === STEPS - 1 ? HERE.y - 34 - place * 34 : 8}` }));
  const here = slot(HERE.x, HERE.y, HERE.w, HERE.h, FITS.step, "here");
  const odds = svg("text", { class: "quiet", x: 2, y: HERE.y + HERE.h + 24 });
  const next = Array.from({ length: NEXT }, (_, place) => fan(place));
  const none = svg("text", { class: "quiet", x: TO.x, y: HERE.y + 22 });
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", focusable: "false" },
    joints, next.map((one) => one.edge), before.map((one) => one.element), here.element, odds, next.map((one) => one.element), none);
  const told = h("p", { class: "unseen" });
  const element = h("section", { class: "card way", "aria-label": t("way") }, h("h2", {}, t("way")), told, drawing);
  let drawn = /** @type {any} */ (undefined);

  /** @param {Call} call */
  function draw(call) {
    if (call.state === drawn) return;
    drawn = call.state;
    const steps = call.state?.path ?? [];
    const guidance = call.state?.guidance;
    const options = (guidance?.next ?? []).slice(0, NEXT);
    const last = steps.slice(-STEPS - 1);
    const present = last.pop();
    const gap = STEPS - last.length;
    before.forEach((one, place) => one.show(last[place - gap] ? step(last[place - gap]) : null));
    joints.forEach((one, place) => one.setAttribute("visibility", place >= gap && present ? "visible" : "hidden"));
    here.show(present ? named(present.label) : t("no_way"), present ? `${t("here")} · ${who(present.role)}` : "");
    say(odds, guidance?.odds ? t("from_here", { share: percent(guidance.odds.won), n: number(guidance.odds.calls) }) : "");
    next.forEach((one, place) => one.show(options[place] ?? null));
    say(none, present && options.length === 0 ? t("no_next") : "");
    say(told, inWords(steps, options, guidance));
  }

  return { element, draw, again: () => (drawn = undefined) };
}

/** A box in its place: its text changes, it never moves. @param {number} x @param {number} y @param {number} w @param {number} height @param {number} fits @param {string} kind */
function slot(x, y, w, height, fits, kind) {
  const middle = y + height / 2;
  const main = svg("text", { x: x + 10, y: middle + 4 });
  const small = svg("text", { class: "quiet", x: x + 10, y: middle + 12 });
  const title = svg("title", {});
  const element = svg("g", { class: kind, visibility: "hidden" }, title, svg("rect", { x: x + 1, y, width: w - 2, height, rx: 7 }), main, small);
  /** @param {string | null} text @param {string} [below] */
  function show(text, below = "") {
    element.setAttribute("visibility", text === null ? "hidden" : "visible");
    if (text === null) return;
    main.setAttribute("y", String(below ? middle - 3 : middle + 4));
    say(main, cut(text, fits));
    say(small, below);
    say(title, [text, below].filter(Boolean).join(" · "));
  }
  return { element, show };
}

/** A next step in its place, and the way to it, the wider the more probable. @param {number} place */
function fan(place) {
  const y = 2 + place * TO.apart;
  const box = slot(TO.x, y, TO.w, TO.h, FITS.next, "next");
  const from = { x: HERE.x + HERE.w, y: HERE.y + HERE.h / 2 };
  const to = y + TO.h / 2;
  const edge = svg("path", { class: "edge", visibility: "hidden", d: `M ${from.x} ${from.y} C ${from.x + 50} ${from.y}, ${TO.x - 50} ${to}, ${TO.x} ${to}` });
  /** @param {any} option */
  function show(option) {
    edge.setAttribute("visibility", option ? "visible" : "hidden");
    if (!option) return box.show(null);
    edge.setAttribute("stroke-width", String(1.5 + 7 * option.probability));
    box.show(named(option.label), figures(option));
  }
  return { element: box.element, edge, show };
}

/** @param {any} option */
const figures = (option) => [percent(option.probability), t("seen", { n: number(option.seen) }), option.odds && t("won_share", { share: percent(option.odds.won) })].filter(Boolean).join(" · ");

/** @param {any} one */
const step = (one) => t("step", { who: who(one.role), label: named(one.label) });

/** What the drawing shows, for people who do not see it. @param {any[]} steps @param {any[]} options @param {any} guidance */
function inWords(steps, options, guidance) {
  if (!steps.length) return t("no_way");
  const path = steps.slice(-STEPS - 1).map((one) => step(one)).join(", ");
  const next = options.map((one) => t("next_said", { label: named(one.label), share: percent(one.probability), n: number(one.seen), won: one.odds ? t("won_said", { share: percent(one.odds.won) }) : "" }));
  const odds = guidance?.odds ? ` ${t("from_here", { share: percent(guidance.odds.won), n: number(guidance.odds.calls) })}.` : "";
  return `${t("so_far", { steps: path })} ${next.length ? `${t("next_steps")}: ${next.join("; ")}.` : t("no_next")}${odds}`;
}

/** @param {string} text @param {number} fits */
function cut(text, fits) {
  let width = 0;
  for (let place = 0; place < text.length; place += 1) {
    width += text.charCodeAt(place) > 0x2e7f ? 2 : 1;
    if (width > fits) return `${text.slice(0, place - 1)}…`;
  }
  return text;
}
