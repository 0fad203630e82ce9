// What the server says is wrong with a field, in words for people; what nobody foresaw is shown as it came.

import { words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @type {[RegExp, string][]} */
const KNOWN = [
  [/at least 1 character|is missing|Field required/, "e_empty"],
  [/at least 1 item/, "e_none"],
  [/should match pattern/, "e_pattern"],
  [/names none of/, "e_trigger"],
  [/lies before|before valid_from/, "e_dates"],
  [/valid date|date_from/i, "e_date"],
  [/(less|greater) than|valid (integer|number)/, "e_number"],
  [/at most|too long/, "e_long"],
  [/is there twice/, "e_twice"],
  [/has no word in it/, "e_wordless"],
];

/** @param {string} detail @returns {string} */
export function inWords(detail) {
  const found = KNOWN.find(([pattern]) => pattern.test(detail));
  return found ? t(found[1]) : detail;
}
