// A list of any length of which only what is visible is in the page: rows of one height, found by keyboard and screen reader.

import { h, keep } from "../dom.js";

const AROUND = 6;

/**
 * @typedef {object} Grid
 * @property {HTMLElement} element
 * @property {() => void} draw show what is visible now
 * @property {(place: number) => void} choose focus a row
 * @property {() => void} top
 * @property {() => boolean} isBusy whether somebody points at the list, or is in it
 *
 * @typedef {object} Rows
 * @property {() => number} count
 * @property {(place: number) => string | undefined} id
 * @property {(id: string) => number} place
 * @property {() => any} make
 * @property {(row: any, place: number) => void} update
 * @property {(place: number) => void} open
 */

/**
 * @param {string} label @param {HTMLElement} head the row of column headers @param {number} height of a row in px
 * @param {Rows} rows @returns {Grid}
 */
export function grid(label, head, height, rows) {
  const body = h("div", { class: "floor-body", role: "rowgroup" });
  const scroller = h("div", { class: "floor-scroll" }, head, body);
  const element = h("div", { class: "floor-grid", role: "grid", "aria-label": label }, scroller);
  let chosen = /** @type {string | null} */ (null);
  let points = false;
  let frame = 0;

  /** @returns {HTMLElement | null} */
  const focused = () => (body.contains(document.activeElement) ? (document.activeElement?.closest("[role=row]") ?? null) : null);

  function draw() {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(now);
  }

  function now() {
    const count = rows.count();
    const from = Math.max(0, Math.floor(scroller.scrollTop / height) - AROUND);
    const to = Math.min(count, Math.ceil((scroller.scrollTop + scroller.clientHeight) / height) + AROUND);
    const places = Array.from({ length: Math.max(0, to - from) }, (_, number) => from + number);
    const held = focused()?.dataset.key ?? chosen;
    const place = held === null ? -1 : rows.place(held);
    if (place >= 0 && (place < from || place >= to)) places.push(place);
    const first = place >= 0 ? place : from;
    element.setAttribute("aria-rowcount", String(count + 1));
    body.style.setProperty("height", `${count * height}px`);
    places.sort((a, b) => a - b);
    keep(body, places, (one) => rows.id(one) ?? "", rows.make, (row, one) => {
      row.setAttribute("aria-rowindex", String(one + 2));
      row.style.setProperty("transform", `translateY(${one * height}px)`);
      row.tabIndex = one === first ? 0 : -1;
      rows.update(row, one);
    });
  }

  /** @param {number} place */
  function choose(place) {
    const to = Math.max(0, Math.min(rows.count() - 1, place));
    chosen = rows.id(to) ?? null;
    if (chosen === null) return;
    const top = to * height;
    const room = scroller.clientHeight - head.offsetHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + height > scroller.scrollTop + room) scroller.scrollTop = top + height - room;
    cancelAnimationFrame(frame);
    now();
    Array.from(body.children).find((row) => row.dataset.key === chosen)?.focus({ preventScroll: true });
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const row = focused();
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = rows.place(row.dataset.key ?? "");
    const page = Math.max(1, Math.floor((scroller.clientHeight - head.offsetHeight) / height) - 1);
    const to = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + page, PageUp: place - page, Home: 0, End: rows.count() - 1 }[event.key];
    if (event.key === "Enter" && event.target === row) rows.open(place);
    else if (to !== undefined) choose(to);
    else return;
    event.preventDefault();
  }

  scroller.addEventListener("scroll", draw, { passive: true });
  body.addEventListener("keydown", onKey);
  body.addEventListener("focusin", () => (chosen = focused()?.dataset.key ?? chosen));
  scroller.addEventListener("pointerenter", () => (points = true));
  scroller.addEventListener("pointerleave", () => (points = false));
  body.addEventListener("click", (/** @type {MouseEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[role=row]"));
    if (row && !target.closest("button, a")) rows.open(rows.place(row.dataset.key ?? ""));
  });

  return {
    element,
    draw,
    choose,
    top: () => (scroller.scrollTop = 0),
    isBusy: () => points || Boolean(focused()),
  };
}
