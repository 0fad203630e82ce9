// A question in a dialog, with room for a reason.

import { add, h } from "../dom.js";
import { words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/**
 * @param {object} wanted
 * @param {string} wanted.text
 * @param {string} wanted.label of the field
 * @param {string} [wanted.does] on the button
 * @param {string} [wanted.pattern] of the field, which is then needed
 * @param {string} [wanted.wrong] said where it does not match
 * @param {boolean} [wanted.needed]
 * @returns {Promise<string | null>} what was written; null where it was called off
 */
export function ask(wanted) {
  const field = h("input", { id: "asked", maxlength: 500, pattern: wanted.pattern, required: Boolean(wanted.needed || wanted.pattern), title: wanted.wrong });
  const dialog = h(
    "dialog",
    { class: "card", "aria-labelledby": "asked-title" },
    h("form", { method: "dialog", class: "stack" },
      h("h2", { id: "asked-title" }, wanted.text),
      h("label", { for: "asked" }, wanted.label),
      field,
      wanted.wrong && h("p", { class: "help" }, wanted.wrong),
      h("div", { class: "row" },
        h("button", { type: "submit", class: "main", value: "yes" }, wanted.does ?? t("ok")),
        h("button", { type: "button", onclick: () => dialog.close("") }, t("cancel")),
      ),
    ),
  );
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  add(document.body, [dialog]);
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      before?.focus();
      resolve(dialog.returnValue === "yes" ? field.value.trim() : null);
    });
  });
}
