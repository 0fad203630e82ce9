// What a tab says where it has nothing to show: which condition left nothing, or what the server says is wrong.

import { Problem } from "../api.js";
import { h } from "../dom.js";
import { title } from "../titles.js";
import { words } from "../words.js";
import { without } from "./state.js";
import { en, zh } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("../pages.js").Context} Context */
/** @typedef {{context: Context, root: HTMLElement, go: (state: Partial<State>) => void, keep: (own: Record<string, string>) => void, signal: AbortSignal, titles: Promise<void>}} Room `go` shows what it changes, `keep` only notes what a tab has of its own, `titles` are those of the scenarios that it shows */

export const t = words({ en, zh });

/** Nothing matches. @param {string | null | undefined} emptiedBy @param {State} state @param {(state: Partial<State>) => void} go */
export function empty(emptiedBy, state, go) {
  const less = emptiedBy ? without(state, emptiedBy) : null;
  return h("div", { class: "empty", role: "status" },
    h("p", {}, emptiedBy ? t("emptied", { condition: emptiedBy }) : t("nothing")),
    less && h("button", { type: "button", onclick: () => go(less) }, t("take_away", { condition: emptiedBy ?? "" })));
}

/** What is wrong with what was asked, in the server's words; null where that is another fault. @param {unknown} error */
export function wrong(error) {
  if (!(error instanceof Problem) || ![400, 404, 422, 503, 504].includes(error.status)) return null;
  return h("div", { class: "wrong card", role: "alert" }, h("p", {}, error.message), error.hint && h("p", { class: "help" }, error.hint));
}

/** How a call ended. @param {{name: string, result: string} | null} outcome @param {"inferred" | "observed"} source @param {string | null} scenario */
export function ended(outcome, source, scenario) {
  if (!outcome) return h("span", { class: "help" }, "–");
  const kind = { won: "good", lost: "bad" }[outcome.result] ?? "";
  return h("span", { class: `badge ${kind}`, title: t(source) }, `${t(outcome.result)}${outcome.name && outcome.name !== outcome.result ? ` · ${title(outcome.name, scenario)}` : ""}`);
}

/** A link to a call, at a moment of it where one is given. @param {string} id @param {number | null} [ms] */
export const callAddress = (id, ms = null) => `/calls/${id.split("/").map(encodeURIComponent).join("/")}${ms === null ? "" : `?at=${ms}`}`;
