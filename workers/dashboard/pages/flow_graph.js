// A flow graph as it was laid out: drawn once, then filtered by hiding, so that nothing moves under a pointer.

import { h, svg } from "./dom.js";
import { drawnArrow, drawnBox, edgeKey, edgeWords, nameOf } from "./flow_graph_parts.js";
import { ZOOM, viewOf } from "./flow_graph_view.js";
import { en, zh } from "./flow_graph_words.js";
import { title } from "./titles.js";
import { plain, words } from "./words.js";

/**
 * @typedef {import("./flow_graph_parts.js").Step} Step
 * @typedef {import("./flow_graph_parts.js").Edge} Edge
 * @typedef {import("./flow_graph_parts.js").Box} Box
 * @typedef {import("./flow_graph_parts.js").Arrow} Arrow
 * @typedef {import("./flow_graph_parts.js").Drawing} Drawing
 * @typedef {import("./flow_graph_parts.js").Picked} Picked
 * @typedef {import("./flow_graph_parts.js").Filter} Filter
 */

const t = words({ en, zh });
const PIECE = 60;
const later = (/** @type {() => void} */ does) => (window.requestIdleCallback ? window.requestIdleCallback(does) : setTimeout(does, 50));

/**
 * The graph as an element. `filter` hides and shows, `pick` marks a step or an edge and brings it into view.
 * @param {Drawing} drawing
 * @param {{onpick?: (picked: Picked | null) => void, label?: string}} [options]
 */
export function flowGraph(drawing, { onpick, label } = {}) {
  const { flow } = drawing;
  const steps = new Map(flow.steps.map((step) => [step.label, step]));
  const edges = new Map(flow.edges.map((edge) => [edgeKey(edge), edge]));
  const boxes = new Map(drawing.boxes.map((box) => [box.label, { box, element: drawnBox(box, /** @type {Step} */ (steps.get(box.label)), flow) }]));
  const arrows = /** @type {Map<string, {arrow: Arrow, element: any}>} */ (new Map());
  const under = svg("g", {}); // noise, which is drawn when the page has time, or when it is asked for
  const waiting = drawing.arrows.filter((arrow) => !edges.get(edgeKey(arrow))?.kept);
  const kept = drawing.arrows.filter((arrow) => edges.get(edgeKey(arrow))?.kept);
  const world = svg("g", {}, under, kept.map((arrow) => addArrow(arrow).element).reverse(), [...boxes.values()].map((one) => one.element));
  const sheet = svg("svg", { class: "flow-sheet", role: "group", "aria-label": label ?? t("graph", { scenario: title(flow.scenario, flow.scenario) }), preserveAspectRatio: "xMidYMid meet" }, world);
  const told = h("span", { class: "help flow-zoomed", role: "status" });
  const button = (/** @type {string} */ name, /** @type {string} */ text, /** @type {() => void} */ does) => h("button", { type: "button", "aria-label": t(name), title: t(name), onclick: does }, text);
  const tools = h("div", { class: "row flow-tools" }, button("closer", "+", () => view.zoom(ZOOM)), button("farther", "−", () => view.zoom(1 / ZOOM)), button("fit", "⤢", () => view.fit()), told);
  const root = h("div", { class: "flow-graph" }, sheet, tools);
  const view = viewOf(sheet, drawing, told, () => {
    const seen = [...boxes.values()].filter((one) => !one.element.classList.contains("away")).map((one) => one.box);
    return seen.length ? seen : drawing.boxes;
  });
  let picked = /** @type {string | null} */ (null);
  let roving = "";

  /** @param {Arrow} arrow */
  function addArrow(arrow) {
    const key = edgeKey(arrow);
    const found = { arrow, element: drawnArrow(arrow, /** @type {Edge} */ (edges.get(key))) };
    arrows.set(key, found);
    return found;
  }

  /** Draw more of the noise, hidden. @param {number} most */
  function drawMore(most) {
    const some = waiting.splice(0, most).map((arrow) => addArrow(arrow).element);
    for (const element of some) element.classList.add("away");
    under.prepend(...some.reverse());
  }
  function inTime() {
    if (!root.isConnected || !waiting.length) return;
    drawMore(PIECE);
    later(inTime);
  }

  // What is chosen in it.

  /** @param {Event} event */
  function chosen(event) {
    const found = event.target instanceof Element ? event.target.closest("[data-step], [data-edge]") : null;
    if (!(found instanceof SVGElement)) return null;
    return found.dataset.step !== undefined ? found.dataset.step : found.dataset.edge;
  }
  /** One step at a time can be reached with Tab; arrows go on from it. @param {string} name */
  function rove(name) {
    for (const [key, { element }] of boxes) element.setAttribute("tabindex", key === name ? "0" : "-1");
    roving = name;
  }
  sheet.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
    const name = chosen(event);
    if (name && boxes.has(name)) rove(name);
  });
  sheet.addEventListener("click", (/** @type {Event} */ event) => {
    const name = chosen(event);
    if (name !== null && name !== undefined) pick(name, false);
  });
  sheet.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const name = chosen(event);
    if (!name) return;
    if (event.key === "Enter" || event.key === " ") pick(name, false);
    else if (event.key.startsWith("Arrow") && steps.has(name)) step(name, event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  sheet.addEventListener("pointerover", (/** @type {Event} */ event) => {
    const name = chosen(event);
    const edge = name ? edges.get(name) : undefined;
    const element = edge && arrows.get(edgeKey(edge))?.element;
    if (edge && !element.querySelector("title")) element.prepend(svg("title", {}, `${nameOf(edge.source, flow.scenario)} → ${nameOf(edge.target, flow.scenario)}: ${edgeWords(edge)}`));
  });

  /** Go on to a step beside this one: right and left along the edges that are seen, up and down within the column. @param {string} name @param {string} key */
  function step(name, key) {
    const from = /** @type {Box} */ (boxes.get(name)?.box);
    const seen = [...boxes.values()].filter(({ box, element }) => !element.classList.contains("away") && box !== from);
    const joined = [...arrows.values()].filter(({ element }) => !element.classList.contains("away")).map(({ arrow }) => arrow);
    const beside = key === "ArrowRight" ? joined.filter((one) => one.source === name).map((one) => one.target)
      : key === "ArrowLeft" ? joined.filter((one) => one.target === name).map((one) => one.source) : [];
    const down = key === "ArrowDown" ? 1 : -1;
    const next = beside.map((one) => boxes.get(one)).find((one) => one && one.box !== from)
      ?? seen.filter(({ box }) => (key === "ArrowDown" || key === "ArrowUp") && (box.y - from.y) * down > 0)
        .sort((a, b) => Math.abs(a.box.x - from.x) - Math.abs(b.box.x - from.x) || (a.box.y - b.box.y) * down)[0];
    if (!next) return;
    next.element.focus();
    view.into(next.box);
  }

  /** @param {string | null} name a step's label, an edge's key, or nothing @param {boolean} [bring] it into view */
  function pick(name, bring = true) {
    const step = name === null ? undefined : steps.get(name);
    const edge = name === null ? undefined : edges.get(name);
    picked = step || edge ? name : null;
    if (edge && !arrows.has(edgeKey(edge))) drawMore(waiting.length);
    if (step) rove(step.label);
    for (const [key, { element }] of boxes) mark(element, key === picked, edge ? key === edge.source || key === edge.target : false);
    for (const [key, { arrow, element }] of arrows) {
      mark(element, key === picked, step !== undefined && (arrow.source === step.label || arrow.target === step.label));
    }
    root.classList.toggle("picked", picked !== null);
    const at = step ? boxes.get(step.label)?.box : edge ? arrows.get(edgeKey(edge))?.arrow : undefined;
    if (bring && at) view.into(at);
    onpick?.(step ? { step } : edge ? { edge } : null);
  }

  /** @param {SVGElement} element @param {boolean} is @param {boolean} near */
  function mark(element, is, near) {
    element.classList.toggle("is-picked", is);
    element.classList.toggle("is-near", near);
    if (element.hasAttribute("tabindex")) element.setAttribute("aria-pressed", String(is));
  }

  // What is hidden of it.

  /** @param {Filter} by @returns {{edges: number, steps: number, shows: (key: string) => boolean}} how many are left */
  function filter(by) {
    const text = by.text.trim().toLowerCase();
    const named = text ? new Set([...steps.keys()].filter((one) => `${one} ${plain(one)} ${title(one, flow.scenario)}`.toLowerCase().includes(text))) : null;
    const reached = new Set(named ? [] : ["(start)", "(end)"]);
    const left = new Set();
    if (by.noise) drawMore(waiting.length);
    for (const [key, { element }] of arrows) {
      const edge = /** @type {Edge} */ (edges.get(key));
      const stays = (by.noise || edge.kept) && edge.probability >= by.share && edge.count >= by.count
        && (!named || named.has(edge.source) || named.has(edge.target));
      element.classList.toggle("away", !stays);
      if (!stays) continue;
      left.add(key);
      reached.add(edge.source).add(edge.target);
    }
    for (const name of named ?? []) reached.add(name);
    let count = 0;
    for (const [name, { element }] of boxes) {
      const stays = reached.has(name);
      element.classList.toggle("away", !stays);
      element.classList.toggle("is-found", named !== null && named.has(name));
      if (stays) count += 1;
    }
    if (!reached.has(roving)) rove(reached.has("(start)") ? "(start)" : ([...boxes.keys()].find((name) => reached.has(name)) ?? ""));
    return { edges: left.size, steps: count, shows: (key) => left.has(key) || reached.has(key) };
  }

  function begin() {
    view.begin();
    later(inTime);
  }

  return { element: root, begin, fit: view.fit, zoom: view.zoom, filter, pick, get picked() { return picked; } };
}
