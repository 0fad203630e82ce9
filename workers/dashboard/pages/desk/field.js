// The small field in which the agent says it in other words, or why it does not fit.

import { h, say } from "../dom.js";
import { t } from "./spoken.js";

/** @typedef {"edited" | "dismissed"} Kind */

const MOST = 2_000;

/** @param {(kind: Kind, text: string | null) => void} send @param {() => void} left where the focus goes */
export function field(send, left) {
  const label = h("span", {});
  const input = h("textarea", { rows: "3", maxlength: String(MOST), onkeydown: typed });
  const sends = h("button", { type: "button", class: "main", onclick: done });
  const cancels = h("button", { type: "button", onclick: cancel }, t("cancel"));
  const row = h("div", { class: "row" }, sends, cancels, h("span", { class: "help" }, t("edit_keys")));
  const element = h("div", { class: "field", hidden: true }, h("label", {}, label, input), row);
  let kind = /** @type {Kind} */ ("edited");

  /** @param {KeyboardEvent} event */
  function typed(event) {
    if (event.isComposing) return;
    if (event.key === "Escape") return cancel();
    if (event.key !== "Enter") return;
    const sendsAlone = kind === "dismissed" && !event.shiftKey;
    if (!event.ctrlKey && !event.metaKey && !sendsAlone) return;
    event.preventDefault();
    done();
  }

  function done() {
    const text = input.value.trim();
    if (kind === "edited" && !text) return;
    send(kind, text || null);
    cancel();
  }

  function close() {
    element.hidden = true;
    input.value = "";
  }

  function cancel() {
    close();
    left();
  }

  return {
    element,
    close,
    cancel,
    get isOpen() {
      return !element.hidden;
    },
    /** @param {Kind} what @param {string} text */
    open(what, text) {
      kind = what;
      say(label, t(what === "edited" ? "your_words" : "why_dismissed"));
      say(sends, t(what === "edited" ? "send" : "dismiss"));
      input.value = text;
      element.hidden = false;
      input.focus();
      input.setSelectionRange(text.length, text.length);
    },
  };
}
