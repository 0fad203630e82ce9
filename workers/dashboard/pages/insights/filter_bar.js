// The bar that narrows all tabs. It is made once; what is chosen goes on as the state of the page.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { title } from "../titles.js";
import { t } from "./told.js";

/** @typedef {import("./state.js").State} State */

const TIMES = ["", "7d", "28d", "84d", "365d"];
const NAMED = new Set(["intent", "topic"]);
const LISTED = /** @type {const} */ (["scenario", "team", "language"]);
const WRITTEN = /** @type {const} */ (["agent", "intent", "topic"]);
const MOST = 200;
const WAIT_MS = 350;

/**
 * @param {State} first
 * @param {(change: Partial<State>) => void} change
 * @param {(error: unknown) => void} fault
 * @param {Promise<string[]>} scenarios those that occur
 * @param {Promise<void>} titled when their titles are there
 * @returns {{element: HTMLElement, show: (state: State) => void}}
 */
export function filterBar(first, change, fault, scenarios, titled) {
  let state = first;
  const controls = /** @type {Record<string, any>} */ ({});
  const chips = h("ul", { class: "plain row chips" });
  const times = h("select", {}, TIMES.map((one) => h("option", { value: one }, t(`time_${one || "all"}`))), h("option", { value: "dates" }, t("time_dates")));
  const dates = /** @type {const} */ (["since", "until"]).map((name) => {
    const input = h("input", { type: "date", onchange: () => change({ [name]: input.value }) });
    return { name, input, label: h("label", {}, t(name), input) };
  });
  times.addEventListener("change", () => {
    const by = times.value === "dates";
    showDates(by);
    if (by) return;
    change({ since: times.value, until: "" });
  });

  /** @param {boolean} by */
  function showDates(by) {
    for (const one of dates) one.label.hidden = !by;
  }

  for (const name of LISTED) controls[name] = h("select", { onchange: () => change({ [name]: controls[name].value }) }, h("option", { value: "" }, t("all")));
  for (const name of WRITTEN) {
    controls[name] = h("input", { type: "text", list: `known-${name}`, autocomplete: "off", spellcheck: "false", placeholder: t("all"), size: 12 });
    let timer = 0;
    const say = () => {
      clearTimeout(timer);
      if ((state[name] ?? "") !== controls[name].value.trim()) change({ [name]: controls[name].value.trim() });
    };
    controls[name].addEventListener("change", say);
    controls[name].addEventListener("input", () => {
      clearTimeout(timer);
      const listed = document.getElementById(`known-${name}`)?.querySelector(`option[value="${CSS.escape(controls[name].value)}"]`);
      if (listed || !controls[name].value) timer = window.setTimeout(say, WAIT_MS);
    });
  }
  controls.outcome = h("select", { onchange: () => change({ outcome: controls.outcome.value }) }, h("option", { value: "" }, t("all")), ["won", "lost", "open"].map((one) => h("option", { value: one }, t(one))));
  const source = h("fieldset", { class: "source" }, h("legend", {}, t("said_by")),
    h("div", { class: "choices" }, /** @type {const} */ (["inferred", "observed"]).map((one) => h("label", { title: t(`${one}_long`) }, h("input", { type: "radio", name: "outcomes", value: one, onchange: () => change({ outcomes: one }) }), t(one)))));
  const more = h("input", { type: "text", placeholder: "duration>=300", spellcheck: "false", autocomplete: "off", size: 18 });
  const further = h("form", { class: "row further" }, h("label", {}, t("further"), more), h("button", { type: "submit" }, t("add")));
  further.addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    const said = more.value.trim();
    if (!said) return;
    more.value = "";
    change({ where: [...state.where.filter((one) => one !== said), said] });
  });

  const element = h("section", { class: "card filter-bar", "aria-label": t("filter") },
    h("div", { class: "row" },
      h("label", {}, t("time"), times), dates.map((one) => one.label),
      [...LISTED, ...WRITTEN, "outcome"].map((name) => h("label", {}, t(name), controls[name])),
      source, further),
    chips,
    WRITTEN.map((name) => h("datalist", { id: `known-${name}` })));

  /** @param {State} now */
  function show(now) {
    state = now;
    const plainTime = TIMES.includes(now.since) && !now.until;
    times.value = plainTime ? now.since : "dates";
    showDates(!plainTime);
    for (const one of dates) if (document.activeElement !== one.input) one.input.value = now[one.name];
    for (const name of [...LISTED, ...WRITTEN, /** @type {const} */ ("outcome")]) {
      const value = now[name] ?? "";
      const control = controls[name];
      if (control.tagName === "SELECT" && value && ![...control.options].some((one) => one.value === value)) control.append(h("option", { value }, name === "scenario" ? title(value, value) : value));
      if (document.activeElement !== control || control.tagName === "SELECT") control.value = value;
    }
    for (const one of source.querySelectorAll("input")) one.checked = one.value === now.outcomes;
    fill(chips, now.where.map((one) => h("li", {}, h("button", { type: "button", class: "badge", "aria-label": t("take_away", { condition: one }), onclick: () => change({ where: state.where.filter((other) => other !== one) }) }, one, " ×"))));
  }

  /** The names that there are, each list without what narrows it itself. */
  async function known() {
    await Promise.all([...LISTED, ...WRITTEN].map(async (name) => {
      const names = (await (name === "scenario" ? scenarios : occurring(name))).toSorted();
      await titled;
      if (controls[name].tagName === "SELECT") {
        fill(controls[name], h("option", { value: "" }, t("all")), names.map((one) => h("option", { value: one }, name === "scenario" ? title(one, one) : one)));
        show(state);
      } else fill(/** @type {Element} */ (element.querySelector(`#known-${name}`)), names.map((one) => h("option", { value: one, label: NAMED.has(name) ? title(one) : null })));
    }));
  }
  show(first);
  known().catch(fault);
  return { element, show };
}

/** The names of a field that there are. @param {string} field @returns {Promise<string[]>} */
async function occurring(field) {
  const found = await get("/v1/aggregate", { by: field, limit: MOST });
  return found.groups.map((/** @type {{names: string[]}} */ group) => group.names[0]);
}
