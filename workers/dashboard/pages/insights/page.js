// Insights: what was mined of stored calls, in five tabs over one filter; all of it stands in the address.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { keys } from "../keys.js";
import { titlesOf } from "../titles.js";
import { filterBar } from "./filter_bar.js";
import { TABS, address, read } from "./state.js";
import { t, wrong } from "./told.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./told.js").Room} Room */

/** @type {Record<typeof TABS[number], () => Promise<{show: (room: Room, state: State) => Promise<void | (() => void)>}>>} */
const SHOWS = {
  intents: () => import("./intents.js"),
  outcomes: () => import("./outcomes.js"),
  flow: () => import("./flow.js"),
  search: () => import("./search.js"),
  calls: () => import("./calls.js"),
};

const MOST_SCENARIOS = 200;
/** Scenarios whose titles are read where none is chosen, those of most calls first. */
const MOST_NAMED = 30;

/** @type {import("../pages.js").PageModule["mount"]} */
export function mount(root, context) {
  let state = read(context.url.searchParams);
  let asking = new AbortController();
  let leave = /** @type {() => void} */ (() => {});
  const tabs = TABS.map((name, at) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": "panel", title: String(at + 1), onclick: () => go({ tab: name }) }, t(name)));
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": t("views") }, tabs);
  const panel = h("div", { id: "panel", role: "tabpanel" });
  const scenarios = get("/v1/aggregate", { by: "scenario", limit: MOST_SCENARIOS }).then((found) => found.groups.map((/** @type {{names: string[]}} */ group) => group.names[0]));
  const named = scenarios.then(async (all) => void (await Promise.all(all.slice(0, MOST_NAMED).map(titlesOf))));
  const bar = filterBar(state, go, context.fault, scenarios, named);

  list.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const from = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined || from < 0) return;
    event.preventDefault();
    const next = tabs[(to + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });

  /** @param {Partial<State>} change another tab has other things of its own */
  function go(change) {
    const other = change.tab && change.tab !== state.tab;
    state = { ...state, ...change, own: change.own ?? (other ? {} : state.own) };
    context.note(address(state));
    show();
  }

  /** @param {Record<string, string>} own */
  function keep(own) {
    state = { ...state, own: { ...state.own, ...own } };
    context.note(address(state));
  }

  async function show() {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    for (const tab of tabs) {
      const is = tab.id === `tab-${state.tab}`;
      tab.setAttribute("aria-selected", String(is));
      tab.tabIndex = is ? 0 : -1;
    }
    panel.setAttribute("aria-labelledby", `tab-${state.tab}`);
    panel.setAttribute("aria-busy", "true");
    bar.show(state);
    if (panel.dataset.tab !== state.tab) {
      leave();
      leave = () => {};
      panel.dataset.tab = state.tab;
      fill(panel, h("p", { class: "help" }, t("loading")));
    }
    try {
      const { show: showTab } = await SHOWS[state.tab]();
      if (signal.aborted) return;
      const titles = state.scenario ? titlesOf(state.scenario) : named.catch(() => {}); // the bar says what is wrong
      const left = await showTab({ context, root: panel, go, keep, signal, titles }, state);
      if (signal.aborted) left?.();
      else if (left) {
        leave();
        leave = left;
      }
    } catch (error) {
      if (signal.aborted) return;
      const words = wrong(error);
      if (!words) return context.fault(error);
      fill(panel, words);
    } finally {
      if (!signal.aborted) panel.setAttribute("aria-busy", "false");
    }
  }

  fill(root, h("h1", { class: "unseen" }, t("title")), list, bar.element, panel);
  const unkey = keys(TABS.map((name, at) => ({ key: String(at + 1), says: t(name), does: () => go({ tab: name }) })));
  show();
  return () => {
    asking.abort();
    leave();
    unkey();
  };
}
