// The tab of words: what must be said, what must not, and what somebody should look at.

import { Problem, ask as request, get, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { keys } from "../keys.js";
import { moment, words } from "../words.js";
import { conflict } from "./card_conflict.js";
import { difference, parsed } from "./difference.js";
import { kept, keepUnsaved } from "./kept.js";
import { wordRules } from "./word_rules.js";
import { wordTry } from "./word_try.js";
import { en, zh } from "./words.js";
import { inWords } from "./wrong.js";

const t = words({ en, zh });
const KINDS = /** @type {const} */ (["forbidden_phrases", "required_phrases", "sensitive_words"]);

/** @type {import("./page.js").Tab} */
export function wordLists(root, bench) {
  const name = `words:${bench.place.scenario}:${bench.place.language}`;
  let gone = false;
  let row = /** @type {any} */ (null);
  let seen = 0;
  let base = /** @type {any} */ (null);
  let clean = "";
  const rules = KINDS.map((kind) => wordRules(kind, bench, typed));
  const trial = wordTry(bench, value, refused);
  const head = h("header", { class: "row" });
  const clash = h("div", {});
  const differs = h("div", {});
  const said = h("p", { class: "help", role: "status" });
  const wrong = h("p", { class: "help bad" });
  const reason = h("input", { id: "words-reason", maxlength: 500, autocomplete: "off" });
  const publishes = h("button", { type: "button", class: "main", id: "publish", disabled: !bench.publishes, onclick: publish }, t("publish"));
  const discard = h("button", { type: "button", onclick: forget }, t("discard"));
  const panel = h("section", { class: "panel whole", onkeydown: (/** @type {KeyboardEvent} */ event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && bench.publishes) publish();
  } }, h("p", { class: "help" }, t("loading")));
  fill(root, panel);

  /** @returns {Record<string, any>} */
  function value() {
    return Object.fromEntries(KINDS.map((kind, at) => [kind, rules[at].value()]));
  }

  /** @param {any} given */
  const put = (given) => KINDS.forEach((kind, at) => rules[at].set(given[kind] ?? []));

  function open() {
    put(row.words);
    clean = JSON.stringify(value());
    [seen, base] = [row.version, row.words];
    const mine = kept(name);
    if (mine) {
      put(mine.words);
      [seen, base] = [mine.seen, mine.base];
    }
    fill(head, h("h2", {}, t("words_version", row)), h("span", { class: "help" }, row.by ? t("words_by", { by: row.by, at: moment(row.at) }) : t("words_files")));
    say(publishes, t("publish_words", { version: row.version + 1 }));
    discard.hidden = !mine;
    say(said, mine ? t("kept_here") : "");
  }

  function typed() {
    const now = value();
    const same = JSON.stringify(now) === clean;
    keepUnsaved(name, same ? null : { seen, base, words: now });
    discard.hidden = same;
    say(said, same ? "" : t("kept_here"));
  }

  function forget() {
    keepUnsaved(name, null);
    fill(clash);
    fill(differs);
    open();
    panel.querySelector("input")?.focus();
  }

  /** @param {unknown} error */
  function refused(error) {
    if (error instanceof Problem && error.body.errors) {
      const there = rules.map((one) => one.wrong(error.body.errors));
      say(wrong, there.some(Boolean) ? t("wrong_form") : error.body.errors.map((/** @type {any} */ one) => inWords(one.detail)).join(" · "));
    } else if (error instanceof Problem && error.status === 409 && error.body.fields) {
      [seen, base] = [error.body.version, error.body.theirs];
      keepUnsaved(name, { seen, base, words: value() });
      const shown = conflict(error.body, (field, taken) => {
        put({ ...value(), [field]: taken ?? [] });
        typed();
      });
      fill(clash, shown);
      shown.focus();
    } else bench.context.fault(error);
  }

  /** Ask for something about the words as they are now; what was wrong before is forgotten. @param {() => Promise<void>} does */
  async function about(does) {
    say(wrong, "");
    for (const one of rules) one.wrong([]);
    try {
      await does();
    } catch (error) {
      refused(error);
    }
  }

  const differ = () => about(async () => {
    const told = await post("/v1/workbench/words/difference", { ...bench.place, ...value() });
    fill(differs, h("h3", {}, t("words_differ")), difference(parsed(told.lines)));
  });

  /** Do it, and show what came of it. @param {() => Promise<void>} does @param {HTMLElement} where */
  async function tried(does, where) {
    await about(does);
    where.scrollIntoView({ block: "start" });
  }

  async function publish() {
    publishes.disabled = true;
    await about(async () => {
      const version = row.version;
      row = await request("PUT", "/v1/workbench/words", { ...bench.place, ...value(), seen, base, reason: reason.value.trim() || null });
      keepUnsaved(name, null);
      reason.value = "";
      fill(clash);
      fill(differs);
      open();
      const word = row.version === version ? t("not_changed") : t("published", { version: row.version });
      say(said, word);
      bench.context.announce(word);
    });
    publishes.disabled = !bench.publishes;
  }

  get("/v1/workbench/words", bench.place)
    .then((found) => {
      if (gone) return;
      row = found;
      fill(panel, head, clash, rules.map((one) => one.element), h("label", { for: "words-reason" }, t("reason"), reason),
        h("div", { class: "row actions" }, h("button", { type: "button", id: "words-try", onclick: () => tried(trial.run, trial.element) }, t("words_try")), h("button", { type: "button", id: "words-differ", onclick: () => tried(differ, differs) }, t("words_differ")), publishes, discard, !bench.publishes && h("span", { class: "help" }, t("publish_help")), said, wrong),
        differs, trial.element);
      open();
    })
    .catch((error) => gone || bench.context.fault(error));
  const end = keys([
    { key: "e", says: t("edit"), does: () => panel.querySelector("input")?.focus() },
    { key: "Ctrl+Enter", says: t("publish"), does: publish },
  ]);
  return () => {
    gone = true;
    trial.end();
    end();
  };
}
