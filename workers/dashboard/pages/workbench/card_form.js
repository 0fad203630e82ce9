// The form of a card: its fields, and what is wrong with them.

import { h, say } from "../dom.js";
import { words } from "../words.js";
import { en, zh } from "./words.js";
import { inWords } from "./wrong.js";

const t = words({ en, zh });

/** @typedef {import("./page.js").Bench} Bench @typedef {Record<string, any>} Content */

const TONES = ["negative", "neutral", "positive"];

/**
 * @param {Bench} bench
 * @param {() => void} changed
 * @param {() => void} save by Ctrl and Enter
 */
export function cardForm(bench, changed, save) {
  const names = bench.edition;
  const slots = names.entities.map((one) => `{${one.name}}`).join(" ");
  const title = h("input", { id: "card-title", maxlength: 200, autocomplete: "off" });
  const text = h("textarea", { id: "card-text", maxlength: 4000, rows: 4 });
  const trigger = /** @type {Record<string, any>} */ ({
    intent: pick(names.intents), topic: pick(names.topics), sentiment: pick(TONES.map((name) => ({ name, title: t(name) }))),
    unless_intent: pick(names.intents), missing_phrase: pick(names.required_phrases), outcome: pick(names.outcomes),
    next_step: pick(names.intents), at_least: h("input", { type: "number", min: 0, max: 1, step: 0.05, placeholder: "0.5" }),
  });
  const lanes = /** @type {Record<string, any>} */ ({ live: h("input", { type: "checkbox" }), batch: h("input", { type: "checkbox" }) });
  const priority = h("input", { type: "number", id: "card-priority", min: 0, max: 100 });
  const from = h("input", { type: "date", id: "card-from" });
  const to = h("input", { type: "date", id: "card-to" });
  const expires = h("input", { type: "number", id: "card-expires", min: 1 });
  const places = /** @type {Record<string, any>} */ ({ title, text, priority, valid_from: from, valid_to: to, expires_after_s: expires, lanes: lanes.live });
  for (const [name, field] of Object.entries(trigger)) places[`trigger/${name}`] = field;
  const said = /** @type {Record<string, any>} */ ({});
  for (const name of [...Object.keys(places), "trigger", ""]) said[name] = h("p", { class: "help bad", id: `wrong-${name.replace("/", "-") || "card"}` });

  /** @param {string} name @param {string} label @param {any} field @param {string} [help] */
  const labelled = (name, label, field, help) => {
    field.id ||= `card-${name.replace("/", "-")}`;
    return h("div", { class: "field" }, h("label", { for: field.id }, label), field, help && h("p", { class: "help" }, help), said[name]);
  };

  const element = h("form", { class: "card-form stack", novalidate: true, onsubmit: (/** @type {Event} */ event) => event.preventDefault(), oninput: changed, onchange: changed,
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
        event.preventDefault();
        save();
      }
    } },
    said[""],
    labelled("title", t("card_title"), title),
    labelled("text", t("card_text"), text, t("card_text_help", { slots: "{…}", names: slots || "–" })),
    h("fieldset", {}, h("legend", {}, t("trigger")), said.trigger, h("div", { class: "fields" }, Object.entries(trigger).map(([name, field]) => labelled(`trigger/${name}`, t(`t_${name}`), field)))),
    h("fieldset", {}, h("legend", {}, t("lanes")), h("div", { class: "row" }, h("label", { class: "inline" }, lanes.live, t("live")), h("label", { class: "inline" }, lanes.batch, t("batch"))), said.lanes),
    h("div", { class: "fields" },
      labelled("priority", t("priority"), priority, t("priority_help")),
      labelled("expires_after_s", t("expires"), expires),
      labelled("valid_from", t("valid_from"), from),
      labelled("valid_to", t("valid_to"), to),
    ),
  );

  return {
    element,
    focus: () => title.focus(),
    /** @param {Content} content */
    set(content) {
      title.value = content.title ?? "";
      text.value = content.text ?? "";
      for (const [name, field] of Object.entries(trigger)) choose(field, content.trigger?.[name] ?? "");
      for (const [name, field] of Object.entries(lanes)) field.checked = (content.lanes ?? []).includes(name);
      priority.value = content.priority ?? 50;
      from.value = content.valid_from ?? "";
      to.value = content.valid_to ?? "";
      expires.value = content.expires_after_s ?? "";
      this.wrong([]);
    },
    /** @returns {Content} */
    value() {
      /** @type {Content} */
      const asked = {};
      for (const [name, field] of Object.entries(trigger)) if (field.value !== "") asked[name] = name === "at_least" ? Number(field.value) : field.value;
      /** @type {Content} */
      const content = {
        title: title.value.trim(), text: text.value.trim(), trigger: asked,
        lanes: Object.keys(lanes).filter((name) => lanes[name].checked), priority: Number(priority.value), valid_from: from.value,
      };
      if (to.value) content.valid_to = to.value;
      if (expires.value) content.expires_after_s = Number(expires.value);
      return content;
    },
    /** @param {{detail: string, pointer?: string}[]} errors */
    wrong(errors) {
      const told = new Map(errors.map((one) => [(one.pointer ?? "").replace("/content", "").replace(/^\//, ""), inWords(one.detail)]));
      for (const [name, place] of Object.entries(said)) say(place, told.get(name) ?? "");
      for (const [name, field] of Object.entries(places)) {
        field.setAttribute("aria-invalid", String(told.has(name)));
        field.setAttribute("aria-describedby", said[name].id);
      }
      for (const [name, detail] of told) if (!(name in said)) say(said[""], detail);
      const first = Object.entries(places).find(([name]) => told.has(name));
      first?.[1].focus();
    },
  };
}

/** @param {import("./page.js").Name[]} names */
function pick(names) {
  return h("select", {}, h("option", { value: "" }, t("any")), names.map((one) => h("option", { value: one.name }, one.title === one.name ? one.name : `${one.title} (${one.name})`)));
}

/** A value that is no longer among the names is shown all the same. @param {any} field @param {string} value */
function choose(field, value) {
  if (field.tagName === "SELECT" && !Array.from(field.options).some((/** @type {any} */ one) => one.value === value)) field.append(h("option", { value }, value));
  field.value = value;
}
