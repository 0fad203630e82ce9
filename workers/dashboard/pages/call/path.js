// How a call went: who spoke when as a strip, and its steps in order; both lead to the moment.

import { h, svg } from "../dom.js";
import { clock, words } from "../words.js";
import { en, zh } from "./words.js";

/** @typedef {import("./evidence.js").Segment} Segment */
/** @typedef {import("./evidence.js").Mark} Mark */

const t = words({ en, zh });
const LANES = { agent: 4, customer: 20 };
const SEEN = 1_000;

/** @param {Segment[]} segments @param {Mark[]} marks @param {number} duration @param {import("./transcript.js").Named} named @param {(ms: number, key: string) => void} play */
export function path(segments, marks, duration, named, play) {
  const whole = Math.max(1, duration, ...segments.map((one) => one.end_ms));
  const x = (/** @type {number} */ ms) => `${((ms / whole) * 100).toFixed(2)}%`;
  const head = svg("line", { class: "strip-head", x1: 0, x2: 0, y1: 0, y2: 40 });
  const steps = along(marks);
  const strip = svg("svg", { class: "strip", width: "100%", height: 40, "aria-hidden": "true" },
    segments.slice(0, SEEN * 4).map((one) => svg("rect", { class: `strip-${one.role}`, x: x(one.start_ms), y: LANES[/** @type {"agent"} */ (one.role)] ?? 12, width: x(Math.max(whole / 400, one.end_ms - one.start_ms)), height: 12, rx: 2 })),
    steps.map((one) => svg("circle", { class: "strip-step", cx: x(one.from_ms), cy: 36, r: 3 })),
    head);
  strip.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const box = strip.getBoundingClientRect();
    play(((event.clientX - box.left) / box.width) * whole, "");
  });
  const element = h("section", { class: "card path", "aria-label": t("path") },
    h("div", { class: "row between" }, h("h2", {}, t("path")), h("span", { class: "help" }, h("span", { class: "role-agent" }, "▬ ", t("role_agent")), " ", h("span", { class: "role-customer" }, "▬ ", t("role_customer")))),
    strip,
    steps.length
      ? h("ol", { class: "plain steps" }, steps.map((one) => h("li", {}, h("button", { type: "button", class: `step role-${one.role ?? "unknown"}`, title: one.quote, onclick: () => play(one.from_ms, one.key) }, h("span", { class: "help" }, clock(one.from_ms)), " ", named(one.name)))))
      : h("p", { class: "help" }, t("no_path")));
  return { element, at: (/** @type {number} */ ms) => ["x1", "x2"].forEach((name) => head.setAttribute(name, x(ms))) };
}

/** The steps: an intent that is said again at once is one. @param {Mark[]} marks @returns {Mark[]} */
function along(marks) {
  const intents = marks.filter((mark) => mark.kind === "intent").sort((a, b) => a.from_ms - b.from_ms);
  return intents.filter((mark, at) => mark.name !== intents[at - 1]?.name);
}
