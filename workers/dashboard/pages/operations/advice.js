// How suggestions do: what agents took up, card by card, with intervals.

import { get } from "../api.js";
import { bars } from "../chart.js";
import { fill, h } from "../dom.js";
import { number, percent, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const KINDS = ["shown", "accepted", "edited", "dismissed"];
const Z = 1.96; // of a 95 % interval

/** @type {import("./page.js").Tab} */
export function advice(root, context) {
  const since = h("select", {}, [7, 30, 90].map((days) => h("option", { value: `${days}d` }, t("days", { count: days }))));
  since.value = "30d";
  const body = h("div");
  fill(root, h("section", { class: "card" }, h("div", { class: "row filters" }, h("label", {}, t("since"), since)), body));
  since.addEventListener("change", look);

  async function look() {
    try {
      const found = await get("/v1/aggregate", { of: "suggestions", by: ["card", "feedback"], where: `started>=${since.value}`, limit: 200 });
      const cards = byCard(found.groups);
      const all = cards.reduce((sum, card) => ({ seen: sum.seen + card.seen, taken: sum.taken + card.taken }), { seen: 0, taken: 0 });
      if (!all.seen) return fill(body, h("p", { class: "empty" }, t("no_advice")));
      fill(
        body,
        h("p", {}, t("all_advice", { share: percent(all.taken / all.seen), count: number(all.seen) })),
        bars({ label: t("acceptance_of"), rows: cards.slice(0, 12).map((card) => ({ name: card.name, value: card.share, low: card.low, high: card.high, note: `${card.taken} / ${card.seen}` })), format: (value) => percent(value) }),
        table(cards),
      );
    } catch (error) {
      context.fault(error);
    }
  }

  look();
}

/** @typedef {{name: string, counts: Record<string, number>, seen: number, taken: number, share: number, low: number, high: number}} Card */

/** What became of each card, the one seen most first; who reacts to one has seen it. @param {any[]} groups @returns {Card[]} */
function byCard(groups) {
  /** @type {Map<string, Record<string, number>>} */
  const cards = new Map();
  for (const { names: [card, feedback], count } of groups) {
    if (!KINDS.includes(feedback)) continue;
    cards.set(card, { ...(cards.get(card) ?? {}), [feedback]: count });
  }
  return Array.from(cards, ([name, counts]) => {
    const seen = KINDS.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
    const taken = (counts.accepted ?? 0) + (counts.edited ?? 0);
    return { name, counts, seen, taken, share: taken / seen, ...wilson(taken, seen) };
  }).sort((one, other) => other.seen - one.seen || one.name.localeCompare(other.name));
}

/** The interval of a share (Wilson 1927). @param {number} some @param {number} all */
function wilson(some, all) {
  const share = some / all;
  const middle = share + (Z * Z) / (2 * all);
  const reach = Z * Math.sqrt((share * (1 - share)) / all + (Z * Z) / (4 * all * all));
  const scale = 1 + (Z * Z) / all;
  return { low: Math.max(0, (middle - reach) / scale), high: Math.min(1, (middle + reach) / scale) };
}

/** @param {Card[]} cards */
function table(cards) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("advice") },
    h("table", {}, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("card")), ["shown", "accepted", "edited", "dismissed", "acceptance"].map((one) => h("th", { scope: "col", class: "number" }, t(one))))),
      h("tbody", {}, cards.map((card) => h("tr", {}, h("th", { scope: "row" }, card.name),
        [number(card.seen), ...["accepted", "edited", "dismissed"].map((kind) => number(card.counts[kind] ?? 0)), `${percent(card.share)} (${percent(card.low)}–${percent(card.high)})`].map((text) => h("td", { class: "number" }, text)))))));
}
