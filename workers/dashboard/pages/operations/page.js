// Operations: what waits, what it costs, how advice and knowledge do, what could not be handled.

import { fill, h } from "../dom.js";
import { keys } from "../keys.js";
import { words } from "../words.js";
import { advice } from "./advice.js";
import { cost } from "./cost.js";
import { knowledge } from "./knowledge.js";
import { letters } from "./letters.js";
import { stages } from "./stages.js";
import { en, zh } from "./words.js";

/**
 * @typedef {import("../pages.js").Context} Context
 * @typedef {(root: HTMLElement, context: Context) => (void | (() => void))} Tab shows it, and returns what ends it
 */

const t = words({ en, zh });
/** @type {Record<string, Tab>} */
const TABS = { stages, letters, cost, advice, knowledge };

/** @type {import("../pages.js").PageModule["mount"]} */
export function mount(root, context) {
  let leave = /** @type {void | (() => void)} */ (undefined);
  const body = h("div", { role: "tabpanel", id: "operations-tab" });
  const buttons = Object.keys(TABS).map((name, place) =>
    h("button", { type: "button", role: "tab", "aria-controls": "operations-tab", dataset: { tab: name }, title: String(place + 1), onclick: () => open(name) }, t(name)),
  );

  /** @param {string} name */
  function open(name) {
    leave?.();
    const url = new URL(location.href);
    url.searchParams.set("tab", name);
    context.note(url.pathname + url.search);
    for (const button of buttons) button.setAttribute("aria-selected", String(button.dataset.tab === name));
    fill(body);
    leave = TABS[name](body, context);
  }

  fill(root, h("h1", { class: "unseen" }, t("title")), h("div", { class: "tabs", role: "tablist", "aria-label": t("title") }, buttons), body);
  const asked = context.url.searchParams.get("tab") ?? "";
  open(asked in TABS ? asked : "stages");
  const end = keys(Object.keys(TABS).map((name, place) => ({ key: String(place + 1), says: t(name), does: () => open(name) })));
  return () => {
    leave?.();
    end();
  };
}
