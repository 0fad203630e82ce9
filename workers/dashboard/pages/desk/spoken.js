// The desk's words, and names that several of its parts say.

import { get, part } from "../api.js";
import { language, plain, words } from "../words.js";
import { en, zh } from "./words.js";

export const t = words({ en, zh });

/** @param {string} role */
export const who = (role) => t(role in en ? role : "unknown");

/** Titles of steps and outcomes in the reader's language, where the server knows them. @type {Map<string, string>} */
const titles = new Map();

/** The scenarios whose titles were asked for, with the language. @type {Set<string>} */
const asked = new Set();

/** Have the titles of a scenario; `then` is called where that changes something. @param {string} scenario @param {() => void} then */
export async function learn(scenario, then) {
  const name = `${language()} ${scenario}`;
  if (asked.has(name)) return;
  asked.add(name);
  try {
    const found = await get(`/v1/titles/${part(scenario)}`, { language: language() });
    for (const [label, title] of Object.entries(found.titles)) titles.set(`${language()} ${label}`, /** @type {string} */ (title));
    then();
  } catch {
    // a scenario that is not known here: labels are shown as they are
  }
}

/** A step or an outcome as people read it. @param {string} label */
export const named = (label) => (label === "(end)" ? t("end_of_call") : titles.get(`${language()} ${label}`) ?? plain(label));
