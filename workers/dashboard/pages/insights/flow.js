// The flow explorer: how the calls of a scenario go, with what is rare or noise hidden as one likes.

import { get, part } from "../api.js";
import { fill, h, say } from "../dom.js";
import { flowGraph } from "../flow_graph.js";
import { edgeKey } from "../flow_graph_parts.js";
import { keys } from "../keys.js";
import { title, titlesOf } from "../titles.js";
import { number, percent } from "../words.js";
import { details } from "./flow_details.js";
import { flowLists } from "./flow_lists.js";
import { conditions } from "./state.js";
import { empty, t } from "./told.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("../flow_graph_parts.js").Drawing} Drawing */

const NOTE_MS = 150;

/** @param {import("./told.js").Room} room @param {State} state */
export async function show({ root, go, keep, signal }, state) {
  const scenario = state.scenario || (await largest(state, signal));
  if (!scenario) return fill(root, empty(null, state, go));
  const where = conditions(state, ["scenario"]);
  const asked = get(`/v1/flow/${part(scenario)}/drawing`, { where, outcomes: state.outcomes }, signal);
  const [drawing] = /** @type {[Drawing, void]} */ (await Promise.all([asked, titlesOf(scenario)]));
  performance.mark("flow-fetched");
  const { flow } = drawing;
  if (!drawing.boxes.length) return fill(root, empty(flow.emptied_by ?? (flow.calls ? null : "scenario"), state, go));
  const own = state.own;
  const by = { share: Number(own.share ?? 0) / 100, count: Number(own.count ?? 1), noise: own.noise === "1", text: own.find ?? "" };
  const aside = h("section", { class: "card flow-about", "aria-label": t("about"), "aria-live": "polite" });
  const graph = flowGraph(drawing, { onpick: (picked) => {
    keep({ pick: graph.picked ?? "" });
    fill(aside, details(picked, drawing, { go, pick: (name) => graph.pick(name), state, scenario }));
  } });
  const lists = flowLists(flow, (name) => graph.pick(name));
  let noting = 0;
  const told = h("output", { class: "flow-told" });
  const shareTold = h("output", {}, percent(by.share));

  function filter() {
    const left = graph.filter(by);
    say(told, t("edges_left", { n: number(left.edges), all: number(flow.edges.length), steps: number(left.steps) }));
    say(shareTold, percent(by.share));
    lists.filter(left.shows);
    clearTimeout(noting);
    noting = window.setTimeout(note, NOTE_MS);
  }
  const note = () => keep({ share: by.share ? String(Math.round(by.share * 100)) : "", count: by.count > 1 ? String(by.count) : "", noise: by.noise ? "1" : "", find: by.text });

  const share = h("input", { type: "range", id: "least-share", min: 0, max: 60, step: 1, value: Math.round(by.share * 100), oninput: () => { by.share = Number(share.value) / 100; filter(); } });
  const count = h("input", { type: "number", id: "least-count", min: 1, max: 1_000_000, value: by.count, oninput: () => { by.count = Math.max(1, Number(count.value) || 1); filter(); } });
  const noise = h("input", { type: "checkbox", checked: by.noise, onchange: () => { by.noise = noise.checked; filter(); } });
  const find = h("input", { type: "search", id: "find-step", value: by.text, size: 14, oninput: () => { by.text = find.value; filter(); } });
  fill(root,
    h("form", { class: "card row flow-controls", "aria-label": t("edge_filter"), onsubmit: (/** @type {Event} */ event) => event.preventDefault() },
      h("strong", {}, title(scenario, scenario)),
      h("label", {}, t("least_share"), h("span", { class: "row" }, share, shareTold)),
      h("label", {}, t("least_count"), count),
      h("label", { class: "row" }, noise, t("noise")),
      h("label", {}, t("find_step"), find), told),
    h("p", { class: "help" }, [t("flow_of", { n: number(flow.read), calls: number(flow.calls) }), flow.closing.length ? t("closing", { names: flow.closing.map((label) => title(label, scenario)).join(t("comma")) }) : "", drawing.left_out ? t("edges_out", { n: number(drawing.left_out) }) : "", ...flow.notes, t("seen_not_caused")].filter(Boolean).join(" · ")),
    h("div", { class: "flow-room" }, graph.element, aside),
    lists.element);
  filter();
  graph.begin();
  const pick = own.pick && (flow.steps.some((one) => one.label === own.pick) || flow.edges.some((one) => edgeKey(one) === own.pick)) ? own.pick : null;
  if (pick) graph.pick(pick);
  else fill(aside, details(null, drawing, { go, pick: (name) => graph.pick(name), state, scenario }));
  performance.mark("flow-drawn");
  const unkey = keys([
    { key: "+", says: t("key_closer"), does: () => graph.zoom(1.25) },
    { key: "-", says: t("key_farther"), does: () => graph.zoom(0.8) },
    { key: "0", says: t("key_fit"), does: () => graph.fit() },
    { key: "f", says: t("find_step"), does: () => find.focus() },
    { key: "Escape", says: "", does: () => graph.pick(null) },
  ]);
  return () => {
    clearTimeout(noting);
    unkey();
  };
}

/** The scenario of most calls, where none was chosen. @param {State} state @param {AbortSignal} signal @returns {Promise<string>} */
async function largest(state, signal) {
  const found = await get("/v1/aggregate", { by: "scenario", where: conditions(state), outcomes: state.outcomes, limit: 1 }, signal);
  return found.groups[0]?.names[0] ?? "";
}
