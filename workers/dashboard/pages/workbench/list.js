// The list on the left: one item after the other by j and k, the chosen one in the address.

import { h, keep, say } from "../dom.js";
import { keys } from "../keys.js";
import { words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @typedef {{key: string, title: string, marks: [string, string][], about: string}} Item `marks` are a word and its kind */

/**
 * @param {string} label
 * @param {(key: string) => void} choose
 */
export function listOf(label, choose) {
  const list = h("ul", { class: "plain items", "aria-label": label });
  let items = /** @type {Item[]} */ ([]);
  let chosen = "";

  /** @param {Item} item */
  const make = (item) => h("li", {}, h("button", { type: "button", class: "item", onclick: () => choose(item.key) },
    h("span", { class: "name" }), h("span", { class: "marks" }), h("span", { class: "help about" })));

  /** @param {any} element @param {Item} item */
  function update(element, item) {
    const button = element.firstChild;
    if (item.key === chosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    say(button.querySelector(".name"), item.title);
    say(button.querySelector(".about"), item.about);
    keep(button.querySelector(".marks"), item.marks, ([word]) => word, ([word, kind]) => h("span", { class: `badge ${kind}` }, word));
  }

  const draw = () => keep(list, items, (item) => item.key, make, update);

  /** @param {number} by */
  function step(by) {
    const place = items.findIndex((item) => item.key === chosen);
    const next = items[Math.min(items.length - 1, Math.max(0, place + by))];
    if (next && next.key !== chosen) choose(next.key);
    list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }

  const end = keys([
    { key: "j", says: t("next"), does: () => step(1) },
    { key: "k", says: t("previous"), does: () => step(-1) },
  ]);
  return {
    element: list,
    end,
    /** @param {Item[]} now */
    show(now) {
      items = now;
      draw();
    },
    /** @param {string} key */
    mark(key) {
      chosen = key;
      draw();
      list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    },
  };
}
