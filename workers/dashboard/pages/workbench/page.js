// The workbench: cards, words and prompts changed by people who do not program; tried on stored calls before.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { keys } from "../keys.js";
import { words } from "../words.js";
import { cards } from "./cards.js";
import { history } from "./history.js";
import { warnOnLeaving } from "./kept.js";
import { prompts } from "./prompts.js";
import { wordLists } from "./word_lists.js";
import { en, zh } from "./words.js";

/**
 * @typedef {{name: string, title: string}} Name
 * @typedef {{language: string, title: string, intents: Name[], topics: Name[], outcomes: Name[], required_phrases: Name[], entities: Name[]}} Edition
 * @typedef {object} Bench what a tab is given
 * @property {import("../pages.js").Context} context
 * @property {{scenario: string, language: string}} place
 * @property {Edition} edition
 * @property {boolean} publishes
 * @property {boolean} hasModel
 * @property {string} item what was chosen, as the address has it
 * @property {(item: string) => void} choose note it there
 * @typedef {(root: HTMLElement, bench: Bench) => (() => void)} Tab
 */

const t = words({ en, zh });
/** @type {Record<string, Tab>} */
const TABS = { cards, words: wordLists, prompts, history };

/** @type {import("../pages.js").PageModule["mount"]} */
export async function mount(root, context) {
  const asked = context.url.searchParams;
  fill(root, h("p", { class: "help" }, t("loading")));
  const known = await get("/v1/workbench/scenarios");
  let scenario = known.items.find((/** @type {any} */ one) => one.scenario === (asked.get("scenario") ?? known.first)) ?? known.items[0];
  let edition = editionOf(asked.get("language"));
  let tab = (asked.get("tab") ?? "") in TABS ? String(asked.get("tab")) : "cards";
  let leave = () => {};

  /** @param {string | null} language @returns {Edition} */
  function editionOf(language) {
    return scenario.editions.find((/** @type {Edition} */ one) => one.language === language) ?? scenario.editions.find((/** @type {Edition} */ one) => one.language === scenario.default);
  }

  const body = h("div", { role: "tabpanel", id: "workbench-tab", class: "bench" });
  const buttons = Object.keys(TABS).map((name, place) =>
    h("button", { type: "button", role: "tab", "aria-controls": "workbench-tab", dataset: { tab: name }, title: String(place + 1), onclick: () => ((tab = name), open("")) }, t(name)),
  );
  const scenarios = h("select", { id: "workbench-scenario", onchange: () => {
    scenario = known.items.find((/** @type {any} */ one) => one.scenario === scenarios.value);
    edition = editionOf(edition.language);
    open("");
  } }, known.items.map((/** @type {any} */ one) => h("option", { value: one.scenario }, one.scenario)));
  const languages = h("select", { id: "workbench-language", onchange: () => {
    edition = editionOf(languages.value);
    open("");
  } });

  /** @param {string} item */
  function note(item) {
    const query = new URLSearchParams({ tab, scenario: scenario.scenario, language: edition.language });
    if (item) query.set("item", item);
    context.note(`/workbench?${query}`);
  }

  /** @param {string} item */
  function open(item) {
    leave();
    note(item);
    for (const button of buttons) button.setAttribute("aria-selected", String(button.dataset.tab === tab));
    scenarios.value = scenario.scenario;
    fill(languages, scenario.editions.map((/** @type {Edition} */ one) => h("option", { value: one.language }, one.language)));
    languages.value = edition.language;
    fill(body);
    leave = TABS[tab](body, {
      context, edition, item, choose: note,
      place: { scenario: scenario.scenario, language: edition.language },
      publishes: context.me.roles.some((role) => role === "supervisor" || role === "admin"),
      hasModel: known.has_model,
    });
  }

  fill(
    root,
    h("h1", { class: "unseen" }, t("title")),
    h("div", { class: "row bench-head" },
      h("div", { class: "tabs", role: "tablist", "aria-label": t("title") }, buttons),
      h("label", { class: "inline" }, t("scenario"), scenarios),
      h("label", { class: "inline" }, t("language"), languages),
    ),
    body,
  );
  open(asked.get("item") ?? "");
  const ends = [keys(Object.keys(TABS).map((name, place) => ({ key: String(place + 1), says: t(name), does: () => ((tab = name), open("")) }))), warnOnLeaving()];
  return () => {
    leave();
    for (const end of ends) end();
  };
}
