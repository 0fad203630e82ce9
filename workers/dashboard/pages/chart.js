// Charts as SVG: lines over time, bars with their intervals, and small lines; each can be read as a table, too.

import { ticks, moments, some } from "./chart_scale.js";
import { en, zh } from "./chart_words.js";
import { fill, h, svg } from "./dom.js";
import { number, words } from "./words.js";

export { bars, spark } from "./chart_bars.js";

/**
 * @typedef {[number, number | null]} Point milliseconds since 1970, and the value; null is a gap
 * @typedef {{name: string, points: Point[]}} Series
 * @typedef {(value: number) => string} Format
 */

const t = words({ en, zh });
const EDGE = { top: 8, right: 12, bottom: 22 };
const LETTER = 7;
const LOOKS = 8;
/** @type {Record<number, (x: number, y: number) => string>} Shapes of markers, told apart without colour. */
const MARKS = {
  0: (x, y) => `M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0-6 0`,
  1: (x, y) => `M${x - 3} ${y - 3}h6v6h-6z`,
  2: (x, y) => `M${x} ${y - 4}l4 7h-8z`,
  3: (x, y) => `M${x} ${y - 4}l4 4l-4 4l-4-4z`,
};

/**
 * Lines over time. `show(series)` of what is returned draws others in their place and keeps what has focus.
 * @param {{label: string, series: Series[], format?: Format, height?: number}} options
 * @returns {HTMLElement & {show: (series: Series[]) => void}}
 */
export function lines({ label, series, format = (value) => number(value, 2), height = 220 }) {
  const drawing = svg("svg", { class: "chart-lines", role: "slider", tabindex: "0", "aria-label": label, "aria-valuemin": "0" });
  const tip = h("div", { class: "chart-tip card", hidden: true });
  const legend = h("ul", { class: "plain chart-legend" });
  const table = h("table", {});
  const figure = h("figure", { class: "chart", "aria-label": label },
    legend,
    h("div", { class: "chart-plot" }, drawing, tip),
    h("details", {}, h("summary", { class: "help" }, t("table")), h("div", { class: "scroll" }, table)),
  );
  let width = 640;
  let shown = series;
  let times = /** @type {number[]} */ ([]);
  let at = -1;
  let xOf = (/** @type {number} */ _) => 0;
  let written = moments(0, 1);

  function draw() {
    times = [...new Set(shown.flatMap((one) => one.points.map(([time]) => time)))].sort((a, b) => a - b);
    const values = shown.flatMap((one) => one.points.map(([, value]) => value)).filter((value) => value !== null);
    const steps = ticks(Math.min(0, ...values), Math.max(0, ...values));
    const left = 8 + LETTER * Math.max(...steps.map((one) => format(one).length));
    const [low, high] = [steps[0], steps[steps.length - 1]];
    const [from, to] = [times[0] ?? 0, times[times.length - 1] ?? 1];
    written = moments(from, to);
    xOf = (time) => (to > from ? left + ((time - from) / (to - from)) * (width - left - EDGE.right) : (left + width) / 2);
    const yOf = (/** @type {number} */ value) => height - EDGE.bottom - ((value - low) / (high - low)) * (height - EDGE.top - EDGE.bottom);
    drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
    drawing.setAttribute("height", String(height));
    drawing.setAttribute("aria-valuemax", String(Math.max(0, times.length - 1)));
    fill(drawing,
      steps.map((one) => [
        svg("line", { class: "chart-grid", x1: left, x2: width - EDGE.right, y1: yOf(one), y2: yOf(one) }),
        svg("text", { class: "chart-tick", x: left - 6, y: yOf(one) + 4, "text-anchor": "end" }, format(one)),
      ]),
      some(times, Math.max(2, Math.floor((width - left) / 90))).map((time) =>
        svg("text", { class: "chart-tick", x: xOf(time), y: height - 6, "text-anchor": time === from && to > from ? "start" : time === to && to > from ? "end" : "middle" }, written(time)),
      ),
      svg("line", { class: "chart-cursor", y1: EDGE.top, y2: height - EDGE.bottom, visibility: "hidden" }),
      shown.map((one, index) => line(one, index, xOf, yOf)),
      times.length ? null : svg("text", { class: "chart-tick", x: width / 2, y: height / 2, "text-anchor": "middle" }, t("none")),
    );
    fill(legend, shown.length > 1 ? shown.map((one, index) => h("li", {}, swatch(index), one.name)) : null);
    fill(table,
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("when")), shown.map((one) => h("th", { scope: "col", class: "number" }, one.name)))),
      h("tbody", {}, times.map((time) => h("tr", {}, h("th", { scope: "row" }, written(time)), shown.map((one) => h("td", { class: "number" }, told(one, time, format)))))),
    );
    point(at < times.length ? at : -1);
  }

  /** @param {number} index of a time; -1 is none */
  function point(index) {
    at = index;
    const time = times[index];
    const cursor = drawing.querySelector(".chart-cursor");
    tip.hidden = time === undefined;
    cursor?.setAttribute("visibility", tip.hidden ? "hidden" : "visible");
    drawing.setAttribute("aria-valuenow", String(Math.max(0, index)));
    const says = time === undefined ? "" : `${written(time)}: ${shown.map((one) => `${one.name} ${told(one, time, format)}`).join(", ")}`;
    drawing.setAttribute("aria-valuetext", says || label);
    if (time === undefined) return;
    const x = xOf(time);
    cursor?.setAttribute("x1", String(x));
    cursor?.setAttribute("x2", String(x));
    fill(tip, h("strong", {}, written(time)), shown.map((one, number_) => h("div", {}, swatch(number_), `${one.name}: ${told(one, time, format)}`)));
    tip.style.setProperty(x > width / 2 ? "right" : "left", `${x > width / 2 ? width - x + 10 : x + 10}px`);
    tip.style.removeProperty(x > width / 2 ? "left" : "right");
  }

  drawing.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    const x = event.clientX - drawing.getBoundingClientRect().left;
    point(times.reduce((best, time, index) => (best < 0 || Math.abs(xOf(time) - x) < Math.abs(xOf(times[best]) - x) ? index : best), -1));
  });
  drawing.addEventListener("pointerleave", () => document.activeElement === drawing || point(-1));
  drawing.addEventListener("focus", () => at < 0 && point(times.length - 1));
  drawing.addEventListener("blur", () => point(-1));
  drawing.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const last = times.length - 1;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    point(Math.max(0, Math.min(last, to)));
  });
  new ResizeObserver(([seen]) => {
    const now = Math.round(seen.contentRect.width);
    if (now > 0 && now !== width) {
      width = now;
      draw();
    }
  }).observe(figure);
  figure.show = (/** @type {Series[]} */ other) => {
    shown = other;
    draw();
  };
  draw();
  return figure;
}

/** @param {Series} one @param {number} time @param {Format} format */
function told(one, time, format) {
  const value = one.points.find(([at]) => at === time)?.[1];
  return value === null || value === undefined ? "–" : format(value);
}

/** @param {Series} one @param {number} index @param {(time: number) => number} xOf @param {(value: number) => number} yOf */
function line(one, index, xOf, yOf) {
  let path = "";
  let marks = "";
  let pen = "M";
  for (const [time, value] of one.points) {
    if (value === null) {
      pen = "M";
      continue;
    }
    const [x, y] = [xOf(time), yOf(value)].map((place) => Math.round(place * 10) / 10);
    path += `${pen}${x} ${y}`;
    if (one.points.length <= 60) marks += MARKS[index % 4](x, y);
    pen = "L";
  }
  return svg("g", { class: `chart-series look-${index % LOOKS}` }, svg("path", { class: "chart-line", d: path }), svg("path", { class: "chart-mark", d: marks }));
}

/** @param {number} index */
const swatch = (index) =>
  svg("svg", { class: `chart-swatch look-${index % LOOKS}`, viewBox: "0 0 26 10", width: 26, height: 10, "aria-hidden": "true" },
    svg("path", { class: "chart-line", d: "M1 5H25" }), svg("path", { class: "chart-mark", d: MARKS[index % 4](13, 5) }));
