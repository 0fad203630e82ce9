// One kind of word lists as a form: a rule with its wordings, one to a line.

import { fill, h } from "../dom.js";
import { words } from "../words.js";
import { en, zh } from "./words.js";
import { inWords } from "./wrong.js";

const t = words({ en, zh });

/** @typedef {"required_phrases" | "forbidden_phrases" | "sensitive_words"} Kind @typedef {Record<string, any>} Rule */

const ROLES = ["agent", "customer"];
/** @type {Record<string, string>} */
const FIELDS = { name: "rule_name", title: "rule_title", role: "rule_role", within_s: "rule_within", when_outcome: "rule_outcome", any_of: "wordings" };

/** @param {Kind} kind @param {import("./page.js").Bench} bench @param {() => void} changed */
export function wordRules(kind, bench, changed) {
  const rules = h("ol", { class: "plain stack" });
  let fields = /** @type {{name: any, title: any, role?: any, within?: any, outcome?: any, any_of: any, said: any}[]} */ ([]);

  /** @param {Rule} rule */
  function row(rule) {
    const field = {
      name: h("input", { value: rule.name ?? "", maxlength: 64, autocomplete: "off" }),
      title: h("input", { value: rule.title ?? "", maxlength: 200, autocomplete: "off" }),
      role: kind === "sensitive_words" ? undefined : pick([...(kind === "forbidden_phrases" ? [["", t("anybody")]] : []), ...ROLES.map((role) => [role, t(`role_${role}`)])], rule.role),
      within: kind === "required_phrases" ? h("input", { type: "number", min: 1, value: rule.within_s ?? "" }) : undefined,
      outcome: kind === "required_phrases" ? pick([["", t("any")], ...bench.edition.outcomes.map((one) => [one.name, one.title])], rule.when_outcome) : undefined,
      any_of: h("textarea", { rows: Math.min(8, Math.max(3, (rule.any_of ?? []).length)), value: (rule.any_of ?? []).join("\n") }),
      said: h("p", { class: "help bad" }),
    };
    fields.push(field);
    const item = h("li", { class: "rule stack" },
      h("div", { class: "fields" },
        h("label", {}, t("rule_name"), field.name), h("label", {}, t("rule_title"), field.title),
        field.role && h("label", {}, t("rule_role"), field.role),
        field.within && h("label", {}, t("rule_within"), field.within),
        field.outcome && h("label", {}, t("rule_outcome"), field.outcome),
      ),
      h("label", {}, t("wordings"), field.any_of),
      field.said,
      h("div", {}, h("button", { type: "button", onclick: () => {
        fields = fields.filter((one) => one !== field);
        item.remove();
        add.focus();
        changed();
      } }, t("remove_rule", { name: rule.title || rule.name || "" }))),
    );
    return item;
  }

  const add = h("button", { type: "button", dataset: { add: kind }, onclick: () => {
    const item = row({ role: "agent" });
    rules.append(item);
    item.querySelector("input")?.focus();
    changed();
  } }, `${t("add_rule")}: ${t(kind)}`);

  return {
    element: h("section", { class: "stack", oninput: changed, onchange: changed }, h("h3", {}, t(kind)), rules, h("div", {}, add)),
    /** @param {Rule[]} given */
    set(given) {
      fields = [];
      fill(rules, given.map(row));
    },
    /** @returns {Rule[]} */
    value: () => fields.map((field) => {
      /** @type {Rule} */
      const rule = { name: field.name.value.trim(), title: field.title.value.trim(), any_of: field.any_of.value.split("\n").map((/** @type {string} */ one) => one.trim()).filter(Boolean) };
      if (field.role?.value) rule.role = field.role.value;
      if (field.within?.value) rule.within_s = Number(field.within.value);
      if (field.outcome?.value) rule.when_outcome = field.outcome.value;
      return rule;
    }),
    /** What is wrong, by pointers such as /forbidden_phrases/0/title. @param {{pointer?: string, detail: string}[]} errors @returns {boolean} whether one is here */
    wrong(errors) {
      const here = errors.map((one) => /** @type {[string[], string]} */ ([(one.pointer ?? "").split("/"), one.detail])).filter(([path]) => path[1] === kind);
      fields.forEach((field, at) => {
        field.said.textContent = here.filter(([path]) => Number(path[2]) === at).map(([path, detail]) => [FIELDS[path[3]] && t(FIELDS[path[3]]), inWords(detail)].filter(Boolean).join(": ")).join(" · ");
      });
      return here.length > 0;
    },
  };
}

/** @param {any[][]} options value and words @param {string | undefined} value */
function pick(options, value) {
  const select = h("select", {}, options.map(([name, title]) => h("option", { value: name }, title)));
  select.value = value ?? options[0][0];
  return select;
}
