// Scales of charts: round ticks for figures, and days or hours for times.

import { language } from "./words.js";

const DAY_MS = 86_400_000;

/**
 * Round steps from 0, or from below it, up to at least the largest value.
 * @param {number} least @param {number} most @param {number} [wanted] about so many
 * @returns {number[]} ascending
 */
export function ticks(least, most, wanted = 4) {
  const low = Math.min(0, least);
  const span = most - low > 0 ? most - low : 1;
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough - power * 1e-9) ?? power * 10;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil((low + span) / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
}

/**
 * How moments of such a span are written: hours within two days, days beyond.
 * @param {number} from @param {number} to milliseconds since 1970
 * @returns {(at: number) => string}
 */
export function moments(from, to) {
  const locale = language() === "zh" ? "zh-CN" : "en-GB";
  /** @type {Intl.DateTimeFormatOptions} */
  const shown = to - from < 2 * DAY_MS
    ? { hour: "2-digit", minute: "2-digit", ...(to - from < 600_000 ? { second: "2-digit" } : {}) }
    : { day: "numeric", month: "short", timeZone: "UTC", ...(to - from > 330 * DAY_MS ? { year: "2-digit" } : {}) };
  const format = new Intl.DateTimeFormat(locale, shown);
  return (at) => format.format(at);
}

/**
 * At most so many of these, evenly, the first and the last among them where there is room.
 * @template T @param {T[]} all @param {number} most @returns {T[]}
 */
export function some(all, most) {
  if (all.length <= most) return all;
  const step = Math.ceil((all.length - 1) / Math.max(1, most - 1));
  return all.filter((_, at) => at % step === 0);
}
