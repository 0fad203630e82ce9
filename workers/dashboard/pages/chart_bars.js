// Bars with their intervals, and small lines.

import { ticks } from "./chart_scale.js";
import { en, zh } from "./chart_words.js";
import { h, svg } from "./dom.js";
import { number, words } from "./words.js";

/**
 * @typedef {(value: number) => string} Format
 * @typedef {{name: string, value: number | null, low?: number | null, high?: number | null, note?: string, key?: string}} Row
 */

const t = words({ en, zh });

/**
 * Horizontal bars, a row each; where a row has `low` and `high`, its interval is drawn as a whisker. `onpick` makes
 * the names buttons.
 * @param {{label: string, rows: Row[], format?: Format, onpick?: (row: Row) => void, most?: number}} options
 * @returns {HTMLElement}
 */
export function bars({ label, rows, format = (value) => number(value, 2), onpick, most }) {
  const top = Math.max(0, ...rows.map((row) => Math.max(row.value ?? 0, row.high ?? 0)));
  const steps = ticks(0, most ?? top, 4);
  const end = most ?? steps[steps.length - 1];
  const share = (/** @type {number} */ value) => (Math.max(0, Math.min(end, value)) / end) * 100;
  const has = rows.some((row) => typeof row.low === "number");
  return h("div", { class: "chart chart-bars scroll" }, h("table", { "aria-label": label },
    h("thead", { class: "unseen" }, h("tr", {}, h("th", { scope: "col" }, t("what")), h("td", {}), h("th", { scope: "col" }, t("value")), has && h("th", { scope: "col" }, t("interval")))),
    h("tbody", {}, rows.map((row) =>
      h("tr", { dataset: { name: row.key ?? row.name } },
        h("th", { scope: "row" }, onpick ? h("button", { type: "button", class: "plain", onclick: () => onpick(row) }, row.name) : row.name),
        h("td", { class: "chart-bar", "aria-hidden": "true", title: row.note ?? null }, row.value !== null && bar(row, share)),
        h("td", { class: "number" }, row.value === null ? "–" : format(row.value)),
        has && h("td", { class: "help" }, whiskers(row, format), row.note && h("span", { class: "chart-note" }, row.note)),
        !has && row.note && h("td", { class: "help" }, row.note),
      ))),
    rows.length > 1 && h("tfoot", { "aria-hidden": "true" }, h("tr", {}, h("td", {}), h("td", { class: "chart-axis" }, steps.filter((one) => one <= end).map((one) => h("span", { style: { left: `${share(one)}%` } }, format(one)))), h("td", {}))),
  ));
}

/** @param {Row} row @param {Format} format */
const whiskers = (row, format) => (typeof row.low === "number" && typeof row.high === "number" ? t("between", { low: format(row.low), high: format(row.high) }) : "");

/** @param {Row} row @param {(value: number) => number} share */
function bar(row, share) {
  const { value, low, high } = row;
  return svg("svg", { width: "100%", height: 20 },
    svg("rect", { class: "chart-fill", x: 0, y: 3, height: 14, width: `${share(value ?? 0)}%`, rx: 2 }),
    typeof low === "number" && typeof high === "number" && [
      svg("line", { class: "chart-whisker", x1: `${share(low)}%`, x2: `${share(high)}%`, y1: 10, y2: 10 }),
      [low, high].map((one) => svg("line", { class: "chart-whisker", x1: `${share(one)}%`, x2: `${share(one)}%`, y1: 5, y2: 15 })),
    ]);
}

/**
 * A small line without axes, for a cell or a sentence; the figures stand beside it, so it is hidden from screen readers
 * unless it has a label.
 * @param {(number | null)[]} values @param {string} [label]
 * @returns {SVGElement}
 */
export function spark(values, label) {
  const known = values.filter((value) => value !== null);
  const [low, high] = [Math.min(0, ...known), Math.max(0, ...known)];
  const span = high - low || 1;
  let pen = "M";
  const path = values.map((value, at) => {
    const begins = pen;
    pen = value === null ? "M" : "L";
    return value === null ? "" : `${begins}${((at / Math.max(1, values.length - 1)) * 96 + 2).toFixed(1)} ${(22 - ((value - low) / span) * 20).toFixed(1)}`;
  }).join("");
  return svg("svg", { class: "chart-spark look-0", viewBox: "0 0 100 24", width: 100, height: 24, ...(label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" }) }, svg("path", { class: "chart-line", d: path }));
}
