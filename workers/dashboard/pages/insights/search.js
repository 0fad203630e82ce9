// Search: what was said, by meaning and by word; each finding leads to its call at that moment.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { clock, day } from "../words.js";
import { conditions } from "./state.js";
import { callAddress, empty, t } from "./told.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {{call_id: string, segment_id: string, role: string, start_ms: number, text: string, highlights: [number, number][], agent: string | null, started_at: string}} Utterance */

const MOST = 30;

/** @param {import("./told.js").Room} room @param {State} state */
export async function show({ root, go, signal }, state) {
  const asked = (state.own.q ?? "").trim();
  const role = state.own.role ?? "";
  let form = root.querySelector("form.search");
  if (!form) {
    const input = h("input", { type: "search", id: "asked", name: "q", maxlength: 1000, placeholder: t("search_such_as") });
    const roles = h("select", { name: "role", "aria-label": t("said_by_whom") }, ["", "customer", "agent"].map((one) => h("option", { value: one }, t(one ? `role_${one}` : "role_any"))));
    form = /** @type {Element} */ (h("form", { class: "search row", role: "search" }, h("label", { for: "asked", class: "unseen" }, t("search_for")), input, roles, h("button", { type: "submit", class: "main" }, t("search"))));
    input.value = asked;
    roles.value = role;
    const say = () => go({ own: { q: input.value.trim(), role: roles.value } });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      say();
    });
    roles.addEventListener("change", () => input.value.trim() && say());
    fill(root, form, h("div", { class: "found", "aria-live": "polite" }));
    if (!asked) input.focus();
  }
  const place = /** @type {Element} */ (root.querySelector(".found"));
  if (!asked) return fill(place, h("p", { class: "empty" }, t("search_help")));
  const where = [...conditions(state), ...(role ? [`role=${role}`] : [])];
  const found = await get("/v1/search", { text: asked, where, outcomes: state.outcomes, limit: MOST }, signal);
  if (!found.items.length) return fill(place, empty(found.emptied_by, state, go));
  fill(place, h("p", { class: "help" }, t("found", { n: found.items.length })),
    h("ol", { class: "plain results" }, found.items.map((/** @type {Utterance} */ one) =>
      h("li", { class: "card" },
        h("blockquote", { class: "said" }, highlighted(one.text, one.highlights)),
        h("p", { class: "help" }, h("span", { class: `role-${one.role}` }, t(`role_${one.role}`)), " · ",
          h("a", { href: callAddress(one.call_id, one.start_ms) }, t("at_in", { at: clock(one.start_ms), call: one.call_id })),
          ` · ${day(one.started_at)}`, one.agent && ` · ${one.agent}`)))));
}

/** The text with what was asked for marked; places are of characters as Python counts them. @param {string} text @param {[number, number][]} marks */
function highlighted(text, marks) {
  const letters = Array.from(text);
  const parts = [];
  let at = 0;
  for (const [start, end] of marks) {
    if (start < at) continue;
    parts.push(letters.slice(at, start).join(""), h("mark", {}, letters.slice(start, end).join("")));
    at = end;
  }
  return [...parts, letters.slice(at).join("")];
}
