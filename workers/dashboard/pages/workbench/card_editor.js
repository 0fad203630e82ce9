// One card: read, changed, tried, approved, withdrawn.

import { Problem, ask as request, at, part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { keys } from "../keys.js";
import { words } from "../words.js";
import { ask } from "./asking.js";
import { conflict } from "./card_conflict.js";
import { draftOf, howItDoes, standing, versionsOf } from "./card_facts.js";
import { cardForm } from "./card_form.js";
import { cardTry } from "./card_try.js";
import { kept, keepUnsaved } from "./kept.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/**
 * @param {HTMLElement} panel
 * @param {import("./page.js").Bench} bench
 * @param {any} first what the server says of the card
 * @param {{name: string, drawn: () => void, changed: (row: any) => void, stale: () => void}} around `name` of what is kept of it
 */
export function cardEditor(panel, bench, first, around) {
  let row = first;
  const path = `/v1/workbench/cards/${part(row.card)}`;
  const form = cardForm(bench, typed, save);
  const trial = cardTry(bench, row.card, form.value, form.wrong);
  const head = h("div", { class: "stack" });
  const waiting = h("div", {});
  const clash = h("div", {});
  const foot = h("div", { class: "stack" });
  const said = h("p", { class: "help", role: "status" });
  const reason = h("input", { id: "card-reason", maxlength: 500, autocomplete: "off" });
  const discard = h("button", { type: "button", onclick: forget }, t("discard"));
  const saves = h("button", { type: "button", class: "main", id: "save", title: "Ctrl+Enter", onclick: save }, t("save_draft"));
  let seen = row.newest;
  let base = row.content;
  let clean = "";

  /** Show the card as the server has it, or as it was being changed in this tab. */
  function open() {
    form.set(row.content);
    clean = JSON.stringify(form.value());
    [seen, base] = [row.newest, row.content];
    const mine = kept(around.name);
    if (mine) {
      form.set(mine.content);
      [seen, base] = [mine.seen, mine.base];
      say(said, t("kept_here"));
    } else say(said, "");
    discard.hidden = !mine;
    facts();
  }

  function facts() {
    fill(head, standing(row), howItDoes(row));
    const mine = row.draft?.by === bench.context.me.name;
    fill(waiting, draftOf(row, { mine, publishes: bench.publishes, approve, drop }));
    fill(foot, row.shown && bench.publishes && h("div", {}, h("button", { type: "button", class: "danger", id: "withdraw", onclick: withdraw }, t("withdraw"))), versionsOf(row));
  }

  function typed() {
    const content = form.value();
    const same = JSON.stringify(content) === clean;
    keepUnsaved(around.name, same ? null : { seen, base, content });
    discard.hidden = same;
    say(said, same ? "" : t("kept_here"));
    around.drawn();
  }

  function forget() {
    keepUnsaved(around.name, null);
    fill(clash);
    open();
    around.drawn();
    form.focus();
  }

  async function save() {
    form.wrong([]);
    saves.disabled = true;
    try {
      const now = await request("PUT", `${path}/draft`, { ...bench.place, seen, base, reason: reason.value.trim() || null, content: form.value() });
      keepUnsaved(around.name, null);
      const word = now.newest === seen && row.status !== "new" ? "same" : "saved";
      reason.value = "";
      fill(clash);
      show(now, word);
    } catch (error) {
      refused(error);
    }
    saves.disabled = false;
  }

  /** @param {unknown} error */
  function refused(error) {
    if (error instanceof Problem && error.status === 409 && error.body.fields) {
      [seen, base] = [error.body.version, error.body.theirs];
      keepUnsaved(around.name, { seen, base, content: form.value() });
      const shown = conflict(error.body, take);
      around.stale();
      fill(clash, shown);
      shown.focus();
      say(said, t("kept_here"));
    } else if (error instanceof Problem && error.body.errors) {
      say(said, t("wrong_form"));
      form.wrong(error.body.errors);
    } else bench.context.fault(error);
  }

  /** @param {string} field @param {any} value */
  function take(field, value) {
    form.set({ ...form.value(), [field]: value ?? undefined });
    typed();
  }

  /** @param {any} now @param {string} word */
  function show(now, word) {
    row = now;
    around.changed(row);
    if (kept(around.name)) facts();
    else open();
    say(said, t(word));
    bench.context.announce(t(word));
  }

  async function tryIt() {
    await trial.run();
    trial.element.scrollIntoView({ block: "start" });
  }

  async function approve() {
    const why = await ask({ text: t("approve"), label: t("reason"), does: t("approve") });
    if (why !== null) act(() => post(`${path}/approve`, { ...bench.place, seen: row.draft.version, reason: why || null }), "approved_now");
  }

  async function withdraw() {
    const why = await ask({ text: t("withdraw_sure"), label: t("reason"), does: t("withdraw") });
    if (why !== null) act(() => post(`${path}/withdraw`, { ...bench.place, seen: row.newest, reason: why || null }), "withdrawn_now");
  }

  async function drop() {
    const why = await ask({ text: t("drop_sure"), label: t("reason"), does: t("drop_draft") });
    if (why !== null) act(() => request("DELETE", at(`${path}/draft`, { ...bench.place, seen: row.newest, reason: why })), "dropped");
  }

  /** @param {() => Promise<any>} does @param {string} word */
  async function act(does, word) {
    try {
      const now = await does();
      show(now ?? { ...row, draft: null, status: "new", newest: 0 }, word);
    } catch (error) {
      bench.context.fault(error);
    }
    saves.focus();
  }

  fill(panel,
    head,
    waiting,
    clash,
    form.element,
    h("label", { for: "card-reason" }, t("reason"), reason),
    h("div", { class: "row actions" }, saves, h("button", { type: "button", id: "try", onclick: tryIt }, t("try")), discard, said),
    trial.element,
    foot,
  );
  open();
  const end = keys([
    { key: "e", says: t("edit"), does: form.focus },
    { key: "Ctrl+Enter", says: t("save"), does: save },
    { key: "t", says: t("try"), does: tryIt },
  ]);
  return {
    card: row.card,
    edit: form.focus,
    /** What the server says now; what is being changed stays. @param {any} now */
    refresh(now) {
      row = now;
      if (kept(around.name)) facts();
      else if (JSON.stringify(now.content) !== JSON.stringify(base)) open();
      else facts();
    },
    end() {
      trial.end();
      end();
    },
  };
}
