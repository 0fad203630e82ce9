// Dead letters: what could not be handled, why, and publishing it again.

import { get, part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { moment, number, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const STAGES = ["asr", "extract", "flow", "graph", "suggest", "compliance", "recap", "index", "webhook"];
const SINCE = { "1d": 1, "7d": 7, "30d": 30 };

/** @type {import("./page.js").Tab} */
export function letters(root, context) {
  const may = context.me.roles.includes("admin");
  const chosen = /** @type {Set<string>} */ (new Set());
  let items = /** @type {any[]} */ ([]);
  const contains = h("input", { type: "search", maxlength: 200, value: context.url.searchParams.get("contains") ?? "" });
  const stage = h("select", {}, h("option", { value: "" }, t("all")), STAGES.map((one) => h("option", { value: one }, one)));
  const since = h("select", {}, Object.entries(SINCE).map(([value, days]) => h("option", { value }, t("days", { count: days }))));
  stage.value = context.url.searchParams.get("stage") ?? "";
  since.value = context.url.searchParams.get("since") ?? "30d";
  const told = h("p", { class: "help", role: "status" });
  const body = h("tbody");
  const everything = h("input", { type: "checkbox", "aria-label": t("choose_all"), onchange: () => choose(everything.checked ? items.map((one) => one.name) : []) });
  const again = h("input", { type: "checkbox" });
  const replay = h("button", { type: "button", class: "main", disabled: true, onclick: sure }, t("replay", { count: 0 }));
  fill(
    root,
    h("section", { class: "card" },
      h("form", { class: "row filters", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); look(); } },
        h("label", {}, t("filter_text"), contains), h("label", {}, t("filter_stage"), stage), h("label", {}, t("since"), since)),
      told,
      h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("letters") },
        h("table", {}, h("thead", {}, h("tr", {}, may && h("th", {}, everything), ["when", "stage", "call", "error", "replayed"].map((one) => h("th", { scope: "col" }, t(one))), may && h("th", {}))), body)),
      may ? h("p", { class: "row" }, replay, h("label", { class: "row" }, again, t("replay_again"))) : h("p", { class: "help" }, t("admin_only"))),
  );
  for (const one of [stage, since]) one.addEventListener("change", look);

  async function look() {
    const asked = { contains: contains.value, stage: stage.value, since: since.value };
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(asked)) value ? url.searchParams.set(name, value) : url.searchParams.delete(name);
    context.note(url.pathname + url.search);
    try {
      const found = await get("/v1/operations/dead-letters", asked);
      items = found.items;
      say(told, items.length ? t("of_all", { shown: number(items.length), all: number(found.matching) }) : t("no_letters"));
      fill(body, items.map(row));
      choose([...chosen].filter((name) => items.some((one) => one.name === name)));
    } catch (error) {
      context.fault(error);
    }
  }

  /** @param {any} one */
  function row(one) {
    return h("tr", { dataset: { name: one.name } },
      may && h("td", {}, h("input", { type: "checkbox", "aria-label": t("choose", { name: one.name }), onchange: (/** @type {any} */ event) => { event.target.checked ? chosen.add(one.name) : chosen.delete(one.name); counted(); } })),
      h("td", {}, moment(one.at)),
      h("td", {}, `${one.stage} · ${t(`lane_${one.lane}`)}`),
      h("td", {}, one.call_id ? h("a", { href: `/calls/${part(one.call_id)}` }, one.call_id) : "–"),
      h("td", { class: "why" }, h("strong", {}, one.error), " ", one.message),
      h("td", {}, one.replayed_at ? t("by", { at: moment(one.replayed_at), who: one.replayed_by ?? "" }) : "–"),
      may && h("td", {}, h("button", { type: "button", onclick: () => show(one.name) }, t("show"))));
  }

  /** @param {string[]} names */
  function choose(names) {
    chosen.clear();
    for (const name of names) chosen.add(name);
    for (const element of body.children) {
      const box = element.querySelector("input[type=checkbox]");
      if (box instanceof HTMLInputElement) box.checked = chosen.has(element.dataset.name ?? "");
    }
    counted();
  }

  function counted() {
    replay.disabled = chosen.size === 0;
    say(replay, t("replay", { count: chosen.size }));
    everything.checked = chosen.size > 0 && chosen.size === items.length;
    everything.indeterminate = chosen.size > 0 && chosen.size < items.length;
  }

  function sure() {
    const names = [...chosen].slice(0, 200);
    const dialog = h("dialog", { class: "card", "aria-labelledby": "sure" },
      h("p", { id: "sure" }, t("sure", { count: names.length })),
      h("form", { method: "dialog", class: "row" }, h("button", { class: "main", value: "yes" }, t("yes_replay")), h("button", { value: "no" }, t("no"))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes") send(names);
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  /** @param {string[]} names */
  async function send(names) {
    replay.disabled = true;
    try {
      const { items: done } = await post("/v1/operations/dead-letters/replay", { names, again: again.checked });
      const count = (/** @type {string} */ state) => done.filter((/** @type {any} */ one) => one.state === state).length;
      const why = [...new Set(done.filter((/** @type {any} */ one) => one.state === "refused").map((/** @type {any} */ one) => one.reason))].join("; ");
      chosen.clear();
      await look();
      say(told, t("told_replayed", { replayed: count("replayed"), skipped: count("skipped"), refused: count("refused"), why }));
    } catch (error) {
      counted();
      context.fault(error);
    }
  }

  /** @param {string} name */
  async function show(name) {
    try {
      const found = await get(`/v1/operations/dead-letters/${part(name)}`);
      const dialog = h("dialog", { class: "card letter", "aria-labelledby": "letter" },
        h("h2", { id: "letter" }, name),
        h("p", {}, h("strong", {}, found.letter.error), " ", found.letter.message, " · ", t("size", { count: number(found.letter.size) })),
        h("h3", {}, t("headers")), h("dl", {}, found.headers.map((/** @type {[string, string]} */ [key, value]) => [h("dt", {}, key), h("dd", {}, value)])),
        h("h3", {}, t("value")), h("pre", { tabindex: 0 }, found.value), found.is_cut && h("p", { class: "help" }, t("cut")),
        h("form", { method: "dialog" }, h("button", { class: "main" }, t("close"))));
      dialog.addEventListener("close", () => dialog.remove());
      document.body.append(dialog);
      dialog.showModal();
    } catch (error) {
      context.fault(error);
    }
  }

  look();
}
