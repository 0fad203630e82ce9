// What is seen of a drawing: closer, farther, moved, or all of it.

import { say } from "./dom.js";
import { percent } from "./words.js";

/** @typedef {import("./flow_graph_parts.js").Box} Box */

export const ZOOM = 1.25;
const MARGIN = 24;
const READABLE = 0.85;
const FAR = 0.45;
const CLOSEST = 120;

/**
 * @param {SVGSVGElement} sheet @param {{width: number, height: number}} whole @param {Element} told where the scale is said
 * @param {() => Box[]} boxes those that are shown
 */
export function viewOf(sheet, whole, told, boxes) {
  let view = { x: 0, y: 0, width: 1, height: 1 };
  let size = { width: 0, height: 0 };

  function see() {
    sheet.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
    const scale = size.width ? Math.min(size.width / view.width, size.height / view.height) : 1;
    sheet.classList.toggle("far", scale < FAR);
    say(told, percent(scale));
  }

  function fit() {
    const of = boxes();
    if (!of.length) return;
    const [left, right] = [Math.min(...of.map((box) => box.x - box.width / 2)), Math.max(...of.map((box) => box.x + box.width / 2))];
    const [top, bottom] = [Math.min(...of.map((box) => box.y - box.height / 2)), Math.max(...of.map((box) => box.y + box.height / 2))];
    view = { x: left - MARGIN, y: top - MARGIN, width: right - left + 2 * MARGIN, height: bottom - top + 2 * MARGIN };
    see();
  }

  /** All of it where that can be read, else as much as can be, from the start on. */
  function begin() {
    size = { width: sheet.clientWidth, height: sheet.clientHeight };
    fit();
    const least = size.width / READABLE;
    const start = boxes().find((box) => box.label === "(start)");
    if (!size.width || !start || view.width <= least) return;
    const height = size.height / READABLE;
    view = { x: view.x, y: Math.max(view.y, Math.min(start.y - height / 2, view.y + view.height - height)), width: least, height };
    see();
  }

  /** @param {number} by @param {{x: number, y: number}} [about] the place that stays where it is */
  function zoom(by, about = { x: view.x + view.width / 2, y: view.y + view.height / 2 }) {
    const width = Math.min(Math.max(view.width / by, CLOSEST), whole.width * 4 + 2000);
    const is = width / view.width;
    view = { x: about.x - (about.x - view.x) * is, y: about.y - (about.y - view.y) * is, width, height: view.height * is };
    see();
  }

  /** @param {MouseEvent} event */
  function place(event) {
    const matrix = sheet.getScreenCTM();
    return matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse()) : { x: 0, y: 0 };
  }

  sheet.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? ZOOM : 1 / ZOOM, place(event));
  }, { passive: false });
  sheet.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (event.button || (event.target instanceof Element && event.target.closest(".flow-box, .flow-edge"))) return;
    const from = { x: event.clientX, y: event.clientY, view };
    const scale = Math.max(view.width / size.width, view.height / size.height);
    const move = (/** @type {PointerEvent} */ now) => {
      view = { ...view, x: from.view.x - (now.clientX - from.x) * scale, y: from.view.y - (now.clientY - from.y) * scale };
      see();
    };
    sheet.setPointerCapture(event.pointerId);
    sheet.addEventListener("pointermove", move);
    sheet.addEventListener("pointerup", () => sheet.removeEventListener("pointermove", move), { once: true });
  });

  /** @param {{x: number, y: number}} at */
  function into(at) {
    const inside = at.x > view.x && at.x < view.x + view.width && at.y > view.y && at.y < view.y + view.height;
    if (inside) return;
    view = { ...view, x: at.x - view.width / 2, y: at.y - view.height / 2 };
    see();
  }

  new ResizeObserver(() => {
    if (sheet.clientWidth === size.width && sheet.clientHeight === size.height) return;
    size = { width: sheet.clientWidth, height: sheet.clientHeight };
    see();
  }).observe(sheet);
  return { begin, fit, zoom, into };
}
