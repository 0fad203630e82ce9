// Differences, line by line: what is gone with a minus, what is new with a plus.

import { h } from "../dom.js";
import { words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const AROUND = 2;

/** @typedef {{sign: "+" | "-" | " ", text: string}} Line */

/**
 * The lines of both, in order, by the longest common subsequence.
 * @param {string[]} before @param {string[]} after @returns {Line[]}
 */
export function linesOf(before, after) {
  const rows = before.length;
  const columns = after.length;
  const length = Array.from({ length: rows + 1 }, () => new Uint16Array(columns + 1));
  for (let i = rows - 1; i >= 0; i -= 1) {
    for (let j = columns - 1; j >= 0; j -= 1) {
      length[i][j] = before[i] === after[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const found = /** @type {Line[]} */ ([]);
  let i = 0;
  let j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && before[i] === after[j]) found.push({ sign: " ", text: before[i++] }), j++;
    else if (i < rows && (j === columns || length[i + 1][j] >= length[i][j + 1])) found.push({ sign: "-", text: before[i++] });
    else found.push({ sign: "+", text: after[j++] });
  }
  return found;
}

/** Lines of a unified diff, as the server gives them. @param {string[]} lines @returns {Line[]} */
export function parsed(lines) {
  return lines
    .filter((line) => !/^(---|\+\+\+|@@)/.test(line))
    .map((line) => ({ sign: /** @type {any} */ ("+- ".includes(line[0]) ? line[0] : " "), text: line.slice(1) }));
}

/** A content as lines of "field: value". @param {Record<string, any> | null} content @returns {string[]} */
export function contentLines(content) {
  return Object.entries(content ?? {})
    .filter(([name]) => name !== "id" && name !== "approved_by")
    .map(([name, value]) => `${name}: ${shown(value)}`);
}

/** What differs between two contents, field by field. @param {Record<string, any> | null} before @param {Record<string, any> | null} after @returns {Line[]} */
export function fieldLines(before, after) {
  const [old, now] = [contentLines(before), contentLines(after)].map((lines) => new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line])));
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((name) => linesOf([old.get(name) ?? []].flat(), [now.get(name) ?? []].flat()));
}

/** A value as one line. @param {any} value @returns {string} */
export function shown(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.map(shown).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([name, one]) => `${name} = ${shown(one)}`).join(", ") || "–";
  return String(value);
}

/** The difference, to be read and heard; what is the same is shown near a change only. @param {Line[]} lines @returns {any} */
export function difference(lines) {
  const near = lines.map((_, at) => lines.slice(Math.max(0, at - AROUND), at + AROUND + 1).some((line) => line.sign !== " "));
  if (!near.includes(true)) return h("p", { class: "help" }, t("difference_none"));
  return h(
    "div",
    { class: "difference" },
    lines.map((line, at) => (near[at] ? row(line) : near[at - 1] && h("div", { class: "cut", "aria-hidden": "true" }, "⋯"))),
  );
}

/** @param {Line} line */
function row(line) {
  if (line.sign === " ") return h("div", {}, h("span", { class: "sign" }, " "), line.text);
  const added = line.sign === "+";
  return h(added ? "ins" : "del", {}, h("span", { class: "sign", "aria-label": t(added ? "line_added" : "line_gone") }, added ? "+" : "−"), line.text);
}
