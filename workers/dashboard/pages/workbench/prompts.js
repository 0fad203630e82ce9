// The tab of prompts: the versions of each, and one of them to be read, changed, rendered, put to work.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { percent, words } from "../words.js";
import { kept, unsaved } from "./kept.js";
import { listOf } from "./list.js";
import { promptEditor } from "./prompt_editor.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @type {import("./page.js").Tab} */
export function prompts(root, bench) {
  const start = `prompt:${bench.place.scenario}:${bench.place.language}:`;
  let rows = /** @type {any[]} */ ([]);
  let gone = false;
  let chosen = "";
  let end = () => {};
  const list = listOf(t("prompts"), choose);
  const panel = h("div", { class: "panel" }, h("p", { class: "empty" }, t("loading")));
  fill(root, h("div", { class: "side" }, h("span", {}), list.element), panel);

  /** All versions, and those that were begun in this tab. */
  const items = () => rows.flatMap((prompt) => {
    const begun = unsaved(`${start}${prompt.prompt}.v`).map((name) => name.slice(start.length)).filter((label) => !prompt.versions.some((/** @type {any} */ one) => one.label === label));
    return [...begun.map((label) => ({ prompt, label, version: null })), ...prompt.versions.map((/** @type {any} */ version) => ({ prompt, label: version.label, version }))];
  });

  function draw() {
    list.show(items().map(({ prompt, label, version }) => ({
      key: label,
      title: label,
      about: version ? version.digest : "",
      marks: /** @type {[string, string][]} */ ([
        ...(version?.runs ? [[t("runs"), "good"]] : []),
        ...(version && prompt.challenger === version.version ? [[t("challenger", { share: percent(prompt.share) }), "warn"]] : []),
        ...(version?.ran ? [[t(version.rolled_back ? "rolled_back" : "ran"), ""]] : []),
        ...(kept(start + label) ? [[t("unsaved"), "warn"]] : []),
      ]),
    })));
  }

  /** @param {string} label */
  function choose(label) {
    const found = items().find((one) => one.label === label);
    if (!found) return;
    end();
    chosen = label;
    bench.choose(label);
    list.mark(label);
    end = promptEditor(panel, bench, found.prompt, label, { name: start + label, start, drawn: draw, choose: (next) => (draw(), choose(next)), changed });
  }

  /** @param {any} prompt */
  function changed(prompt) {
    rows = rows.map((one) => (one.prompt === prompt.prompt ? prompt : one));
    draw();
    choose(chosen);
  }

  get("/v1/workbench/prompts", bench.place)
    .then((found) => {
      if (gone) return;
      rows = found.items;
      draw();
      const all = items();
      const wanted = all.find((one) => one.label === bench.item) ?? all.find((one) => one.version?.runs && one.prompt.prompt === "extract") ?? all[0];
      if (wanted) choose(wanted.label);
      else fill(panel, h("p", { class: "empty" }, t("nothing")));
    })
    .catch((error) => gone || bench.context.fault(error));
  return () => {
    gone = true;
    end();
    list.end();
  };
}
