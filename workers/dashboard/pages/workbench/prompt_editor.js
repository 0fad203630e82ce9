// One version of a prompt: its text, compared with what runs, rendered on a call, put to work or rolled back.

import { Problem, part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { keys } from "../keys.js";
import { moment, number, words } from "../words.js";
import { ask } from "./asking.js";
import { difference, linesOf } from "./difference.js";
import { kept, keepUnsaved } from "./kept.js";
import { promptBacktest } from "./prompt_backtest.js";
import { promptTry } from "./prompt_try.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/**
 * @param {HTMLElement} panel
 * @param {import("./page.js").Bench} bench
 * @param {any} prompt
 * @param {string} label
 * @param {{name: string, start: string, drawn: () => void, choose: (label: string) => void, changed: (prompt: any) => void}} around
 */
export function promptEditor(panel, bench, prompt, label, around) {
  const version = prompt.versions.find((/** @type {any} */ one) => one.label === label) ?? null;
  const runs = prompt.versions.find((/** @type {any} */ one) => one.runs);
  const number_ = Number(label.slice(label.lastIndexOf(".v") + 2));
  const path = `/v1/workbench/prompts/${part(prompt.prompt)}`;
  const text = h("textarea", { id: "prompt-text", class: "text", spellcheck: "false", readonly: Boolean(version), value: kept(around.name)?.text ?? version?.text ?? "", oninput: typed,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") render();
    } });
  const call = h("input", { id: "prompt-call", maxlength: 200, autocomplete: "off" });
  const reason = h("input", { id: "prompt-reason", maxlength: 500, autocomplete: "off" });
  const force = h("input", { type: "checkbox", id: "prompt-force" });
  const said = h("p", { class: "help", role: "status" });
  const wrong = h("p", { class: "help bad", id: "wrong-prompt" });
  const shown = h("div", { class: "stack" });
  const against = h("div", {});
  const trial = promptTry(bench, prompt, () => text.value, refused);
  const backtest = promptBacktest(bench, prompt, () => text.value, refused);

  function typed() {
    keepUnsaved(around.name, { text: text.value });
    say(said, t("kept_here"));
    compare();
    around.drawn();
  }

  function compare() {
    if (version?.runs || !runs) return fill(against);
    fill(against, h("details", {}, h("summary", {}, t("against")), difference(linesOf(runs.text.split("\n"), text.value.split("\n")))));
  }

  /** A text of its own, under the next number. */
  function begin() {
    const next = `${prompt.prompt}.v${prompt.next}`;
    const name = around.start + next;
    if (!kept(name)) keepUnsaved(name, { text: text.value.replace(/^version:.*$/m, `version: ${prompt.next}`) });
    around.choose(next);
  }

  /** @param {unknown} error */
  function refused(error) {
    if (error instanceof Problem && error.body.errors) {
      say(wrong, error.body.errors.map((/** @type {any} */ one) => one.detail).join(" · "));
      text.focus();
    } else bench.context.fault(error);
  }

  async function render() {
    say(wrong, "");
    try {
      const found = await post(`${path}/render`, { ...bench.place, text: text.value, call: call.value.trim() || null });
      fill(shown,
        h("p", {}, t("rendered", { label: found.label, call: found.call_id, count: found.of, tokens: number(found.requests[0]?.tokens ?? 0) })),
        found.requests.map((/** @type {any} */ one) => one.messages.map((/** @type {any} */ message) => h("details", { open: message.role === "user" }, h("summary", {}, message.role), h("pre", { tabindex: "0" }, message.content)))));
    } catch (error) {
      fill(shown);
      refused(error);
    }
  }

  async function promote() {
    say(wrong, "");
    const body = { ...bench.place, seen: prompt.runs, version: number_, text: version ? null : text.value, force: force.checked, reason: reason.value.trim() || null };
    await act(() => post(`${path}/promote`, body), "promoted", label);
  }

  async function rollBack() {
    const why = await ask({ text: t("roll_back_sure"), label: t("reason"), does: t("roll_back") });
    if (why !== null) await act(() => post(`${path}/rollback`, { ...bench.place, seen: prompt.runs, reason: why || null }), "rolled");
  }

  /** @param {() => Promise<any>} does @param {string} word @param {string} [of] */
  async function act(does, word, of) {
    try {
      const now = await does();
      if (!version && of) keepUnsaved(around.name, null);
      bench.context.announce(t(word, { label: of ?? `${now.prompt}.v${now.runs}` }));
      around.changed(now);
    } catch (error) {
      if (error instanceof Problem && error.status === 409) say(wrong, error.message);
      else refused(error);
    }
  }

  const signed = version?.by && [version.by, moment(version.at), version.reason].filter(Boolean).join(" · ");
  fill(panel,
    h("header", { class: "row" }, h("h2", {}, label), version?.runs && h("span", { class: "badge good" }, t("runs")), version && h("span", { class: "help" }, t("parameters", { names: version.parameters.join(", ") || "–" })), signed && h("span", { class: "help" }, signed)),
    h("label", { for: "prompt-text" }, t("prompt_text"), text),
    wrong,
    h("div", { class: "row" },
      version && h("button", { type: "button", id: "begin", onclick: begin }, t("new_version", { version: prompt.next })),
      !version && h("button", { type: "button", onclick: () => (keepUnsaved(around.name, null), around.drawn(), runs && around.choose(runs.label)) }, t("discard")),
      version?.runs && bench.publishes && h("button", { type: "button", id: "roll-back", onclick: rollBack }, t("roll_back")), said),
    against,
    h("div", { class: "row" }, h("label", { class: "inline" }, t("render_call"), call), h("button", { type: "button", id: "render", title: "Ctrl+Enter", onclick: render }, t("render"))),
    shown,
    !version?.runs && prompt.prompt === "extract" && [backtest.element, trial.element],
    !version?.runs && bench.publishes && h("section", { class: "card draft stack" },
      h("label", { for: "prompt-reason" }, t("reason"), reason),
      h("label", { class: "inline" }, force, t("promote_force")),
      h("div", {}, h("button", { type: "button", class: "main", id: "promote", onclick: promote }, t("promote"))),
    ),
  );
  if (kept(around.name)) say(said, t("kept_here"));
  compare();
  const end = keys([
    { key: "e", says: t("edit"), does: () => (version ? begin() : text.focus()) },
    { key: "r", says: t("render"), does: render },
  ]);
  return () => {
    backtest.end();
    end();
  };
}
