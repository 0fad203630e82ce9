// The tab of cards: the list, and the chosen one to be read, changed, tried, approved.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { words } from "../words.js";
import { ask } from "./asking.js";
import { cardEditor } from "./card_editor.js";
import { kindOf } from "./card_facts.js";
import { kept, keepUnsaved, unsaved } from "./kept.js";
import { listOf } from "./list.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const ID = "[a-z][a-z0-9_\\-]{0,63}";

/** @type {import("./page.js").Tab} */
export function cards(root, bench) {
  const { scenario, language } = bench.place;
  const start = `card:${scenario}:${language}:`;
  let rows = /** @type {any[]} */ ([]);
  let editor = /** @type {ReturnType<typeof cardEditor> | null} */ (null);
  let gone = false;
  const list = listOf(t("cards"), choose);
  const panel = h("div", { class: "panel" }, h("p", { class: "empty" }, t("loading")));
  fill(root, h("div", { class: "side" }, h("button", { type: "button", id: "new-card", onclick: create }, t("new_card")), list.element), panel);

  /** Cards that only this tab knows: begun, and not saved yet. */
  const begun = () => unsaved(start).map((name) => name.slice(start.length)).filter((id) => !rows.some((row) => row.card === id));

  /** @param {string} id */
  const rowOf = (id) => rows.find((row) => row.card === id) ?? newRow(id);

  function draw() {
    const open = new Set(unsaved(start).map((name) => name.slice(start.length)));
    list.show([...begun().map(newRow), ...rows].map((row) => ({
      key: row.card,
      title: row.title || row.card,
      about: `${row.card} · ${t("priority")} ${row.priority}`,
      marks: /** @type {[string, string][]} */ ([
        [t(`status_${row.status}`), kindOf(row.status)],
        ...(row.draft && row.status !== "draft" ? [[t("with_draft"), "warn"]] : []),
        ...(open.has(row.card) ? [[t("unsaved"), "warn"]] : []),
      ]),
    })));
  }

  /** @param {string} id */
  function choose(id) {
    editor?.end();
    bench.choose(id);
    list.mark(id);
    editor = cardEditor(panel, bench, rowOf(id), { name: start + id, drawn: draw, changed, stale: () => load(false) });
  }

  /** After a change: what the server says of a card now. @param {any} row */
  function changed(row) {
    rows = rows.some((one) => one.card === row.card) ? rows.map((one) => (one.card === row.card ? row : one)) : [row, ...rows];
    draw();
  }

  async function create() {
    const id = await ask({ text: t("new_card"), label: t("new_card_id"), does: t("create"), pattern: ID, wrong: t("bad_id") });
    if (id === null) return;
    if (!rows.some((row) => row.card === id) && !kept(start + id)) keepUnsaved(start + id, { seen: 0, base: null, content: newRow(id).content });
    draw();
    choose(id);
    editor?.edit();
  }

  /** @param {boolean} first */
  async function load(first) {
    try {
      const found = (await get("/v1/workbench/cards", bench.place)).items;
      if (gone) return;
      rows = found;
      draw();
      if (!first) return editor?.refresh(rowOf(editor.card));
      const wanted = bench.item && (rows.some((row) => row.card === bench.item) || kept(start + bench.item)) ? bench.item : rows[0]?.card;
      if (wanted) choose(wanted);
      else fill(panel, h("p", { class: "empty" }, t("nothing")));
    } catch (error) {
      if (!gone) bench.context.fault(error);
    }
  }

  const look = () => document.hidden || load(false);
  document.addEventListener("visibilitychange", look);
  load(true);
  return () => {
    gone = true;
    document.removeEventListener("visibilitychange", look);
    editor?.end();
    list.end();
  };
}

/** @param {string} id */
function newRow(id) {
  const content = { title: "", text: "", trigger: {}, lanes: ["live", "batch"], priority: 50, valid_from: new Date().toISOString().slice(0, 10) };
  return { card: id, title: "", status: "new", version: 0, newest: 0, priority: 50, valid_from: content.valid_from, valid_to: null, shown: null, content, draft: null, versions: [], figures: null, left_out: null };
}
