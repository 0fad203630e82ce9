// Languages: words by room, and how numbers, times and durations are written.

/** @typedef {Record<string, string>} Words */

const LANGUAGES = /** @type {const} */ (["en", "zh"]);
const KEPT = "convmine.language";

/** @returns {"en" | "zh"} */
export function language() {
  const kept = localStorage.getItem(KEPT) ?? navigator.language.slice(0, 2);
  return LANGUAGES.find((one) => one === kept) ?? "en";
}

/** @param {"en" | "zh"} name */
export function speak(name) {
  localStorage.setItem(KEPT, name);
  document.documentElement.lang = name === "zh" ? "zh-CN" : "en";
}

/**
 * A room's words: `t("held", {agent: "ann"})` puts values where `{agent}` stands.
 * @param {{en: Words, zh: Words}} room
 * @returns {(key: string, values?: Record<string, string | number>) => string}
 */
export function words(room) {
  return (key, values = {}) => {
    const found = room[language()][key] ?? room.en[key];
    if (found === undefined) throw new Error(`no words for ${key}`);
    return found.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
  };
}

const locale = () => (language() === "zh" ? "zh-CN" : "en-GB");
/** @type {Map<string, any>} */
const formats = new Map();

/** @param {string} key @param {() => any} make */
function format(key, make) {
  const name = locale() + key;
  if (!formats.has(name)) formats.set(name, make());
  return formats.get(name);
}

/** @param {number} value @param {number} [digits] @returns {string} */
export const number = (value, digits = 0) =>
  format(`n${digits}`, () => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits })).format(value);

/** A share between 0 and 1. @param {number} value @param {number} [digits] @returns {string} */
export const percent = (value, digits = 0) =>
  format(`p${digits}`, () => new Intl.NumberFormat(locale(), { style: "percent", maximumFractionDigits: digits })).format(value);

/** Date and time of day. @param {string | number | Date} at @returns {string} */
export const moment = (at) =>
  format("m", () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" })).format(new Date(at));

/** @param {string | number | Date} at @returns {string} */
export const day = (at) => format("d", () => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" })).format(new Date(at));

/** Time of day with seconds. @param {string | number | Date} at @returns {string} */
export const timeOfDay = (at) => format("t", () => new Intl.DateTimeFormat(locale(), { timeStyle: "medium" })).format(new Date(at));

/** Milliseconds as 3:07, or 1:02:03. @param {number} ms @returns {string} */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  return s < 3600 ? `${Math.floor(s / 60)}:${two(s % 60)}` : `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** A label such as `price_objection` as people read it. @param {string} label @returns {string} */
export const plain = (label) => (label.startsWith("(") ? label.slice(1, -1) : label).replaceAll("_", " ");
