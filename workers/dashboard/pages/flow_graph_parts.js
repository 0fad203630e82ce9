// The parts of a flow graph: a box for each step, an arrow for each edge, and how both are told.

import { svg } from "./dom.js";
import { broken, cut } from "./flow_graph_text.js";
import { en, zh } from "./flow_graph_words.js";
import { title } from "./titles.js";
import { number, percent, words } from "./words.js";

/**
 * @typedef {{won: number, lost: number, rate: number | null, low: number | null, high: number | null}} Ended
 * @typedef {{label: string, count: number, calls: number, share: number, again: number, repeats: number, closes: boolean, ended: Ended}} Step
 * @typedef {{source: string, target: string, count: number, calls: number, probability: number, dependency: number, median_ms: number | null, kept: boolean, ended: Ended}} Edge
 * @typedef {{label: string, lines: string[], x: number, y: number, width: number, height: number}} Box
 * @typedef {{source: string, target: string, line: string, head: string, thickness: number, x: number, y: number}} Arrow
 * @typedef {{flow: {scenario: string, calls: number, read: number, outcomes: string, closing: string[], steps: Step[], edges: Edge[], notes: string[], emptied_by: string | null}, boxes: Box[], arrows: Arrow[], width: number, height: number, left_out: number}} Drawing
 * @typedef {{step: Step} | {edge: Edge}} Picked
 * @typedef {{share: number, count: number, noise: boolean, text: string}} Filter edges of at least this share of what follows a step and this count; noise too; steps whose name has the text, and their neighbours
 */

const t = words({ en, zh });
const LINE = 17;
const PAD = 10;

/** Of an edge, in the lists and between functions. @param {{source: string, target: string}} one */
export const edgeKey = (one) => JSON.stringify([one.source, one.target]);

/** A share; what is there at all is not told as 0 %. @param {number} share */
const some = (share) => (share > 0 && share < 0.01 ? `<${percent(0.01)}` : percent(share));

/** @param {Box} box @param {Step} step @param {Drawing["flow"]} flow */
export function drawnBox(box, step, { scenario, closing }) {
  const mark = step.label === "(start)" || step.label === "(end)";
  const name = nameOf(step.label, scenario);
  const figures = step.label === "(end)" ? closing.slice(0, 2).map((label) => cut(title(label, scenario), box.width - PAD))
    : step.label === "(start)" ? [t("calls", { n: number(step.calls) })]
      : [some(step.share) + (step.ended.rate === null ? "" : ` · ${t("won", { share: percent(step.ended.rate) })}`)];
  const lines = mark ? [name] : broken(name, box.lines.length, box.width - PAD);
  const texts = [...lines.map((text) => ["flow-name", text]), ...figures.map((text) => ["flow-figures", text])];
  const spare = mark ? 0 : box.lines.length - lines.length; // lines that the title does not need
  const top = box.y - box.height / 2;
  return svg("g", { class: `flow-box${mark ? " flow-mark" : ""}`, tabindex: "-1", role: "button", "aria-pressed": "false", "aria-label": [name, ...figures].join(" "), dataset: { step: step.label } },
    lines.at(-1)?.endsWith("…") && svg("title", {}, name),
    svg("rect", { x: box.x - box.width / 2, y: top, width: box.width, height: box.height, rx: mark ? box.height / 2 : 6 }),
    texts.map(([kind, text], at) => [svg("text", { class: kind, x: box.x, y: top + PAD + (at + spare / 2 + 0.76) * LINE }, text), " "]));
}

/** @param {Arrow} arrow @param {Edge} edge */
export function drawnArrow(arrow, edge) {
  return svg("g", { class: `flow-edge${edge.kept ? "" : " flow-noise"}`, dataset: { edge: edgeKey(edge) } },
    svg("path", { class: "flow-hit", d: arrow.line }),
    svg("path", { class: "flow-line", d: arrow.line, "stroke-width": arrow.thickness }),
    svg("path", { class: "flow-head", d: arrow.head }),
    svg("text", { class: "flow-share", x: arrow.x, y: arrow.y + 4 }, some(edge.probability)));
}

/** The name of a step for people. @param {string} label @param {string} scenario */
export const nameOf = (label, scenario) => (label === "(start)" || label === "(end)" ? t(label) : title(label, scenario));

/** @param {Edge} edge */
export const edgeWords = (edge) => t("edge_words", { count: number(edge.count), share: percent(edge.probability) });
