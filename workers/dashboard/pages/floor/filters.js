// What is left out of the list, and how it is sorted: fields on the page, and the same in its address.

import { at } from "../api.js";
import { fill, h } from "../dom.js";
import { title } from "../titles.js";
import { words } from "../words.js";
import { COLUMNS } from "./row.js";
import { en, zh } from "./words.js";

/** @typedef {import("./calls.js").Calls} Calls */

const t = words({ en, zh });
const WAIT_MS = 120;
const MOST_LISTED = 300;

/** @param {URL} url */
export function fromAddress(url) {
  const said = (/** @type {string} */ name) => url.searchParams.get(name) ?? "";
  const column = COLUMNS.map(([, one]) => one).find((one) => one === said("sort")) ?? "attention";
  return { filter: { q: said("q"), scenario: said("scenario"), agent: said("agent"), only: said("alerts") === "only" }, column, down: said("way") === "down" };
}

/** @param {Calls} calls */
export function toAddress(calls) {
  const { q, scenario, agent, only } = calls.filter;
  const sort = calls.column === "attention" ? "" : calls.column;
  return at("/floor", { q, scenario, agent, alerts: only ? "only" : "", sort, way: calls.down ? "down" : "" });
}

/** @param {Calls} calls @param {() => void} changed */
export function filters(calls, changed) {
  const { filter } = calls;
  const search = h("input", { type: "search", id: "floor-search", value: filter.q, maxlength: "200", placeholder: t("search"), "aria-label": t("search") });
  const scenario = h("select", { "aria-label": t("scenario_is") });
  const known = h("datalist", { id: "floor-agents" });
  const agent = h("input", { type: "text", list: "floor-agents", value: filter.agent, maxlength: "200", placeholder: t("agent_is"), "aria-label": t("agent_is"), autocomplete: "off" });
  const only = h("input", { type: "checkbox", id: "floor-only", checked: filter.only });
  const clear = h("button", { type: "button" }, t("clear"));
  let timer = 0;
  let listed = "";

  function take() {
    Object.assign(filter, { q: search.value.trim(), scenario: scenario.value, agent: agent.value.trim(), only: only.checked });
    changed();
  }

  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(take, WAIT_MS);
  };
  search.addEventListener("input", soon);
  agent.addEventListener("input", soon);
  scenario.addEventListener("change", take);
  only.addEventListener("change", take);
  clear.addEventListener("click", () => {
    search.value = agent.value = scenario.value = "";
    only.checked = false;
    take();
    search.focus();
  });

  /** New scenarios and agents, unless somebody is choosing. */
  function update() {
    if (document.activeElement === scenario || document.activeElement === agent) return;
    const scenarios = calls.values("scenario", MOST_LISTED);
    if (filter.scenario && !scenarios.includes(filter.scenario)) scenarios.push(filter.scenario);
    const agents = calls.values("agent", MOST_LISTED);
    const named = scenarios.map((one) => title(one, one));
    const all = JSON.stringify([scenarios, named, agents]);
    if (all === listed) return;
    listed = all;
    fill(scenario, h("option", { value: "" }, t("any_scenario")), scenarios.map((one, at) => h("option", { value: one }, named[at])));
    scenario.value = filter.scenario;
    fill(known, agents.map((one) => h("option", { value: one })));
  }

  update();
  return {
    element: h("div", { class: "row floor-filters" }, search, scenario, agent, known, h("label", { class: "row", for: "floor-only" }, only, t("only")), clear),
    search,
    only,
    update,
  };
}
