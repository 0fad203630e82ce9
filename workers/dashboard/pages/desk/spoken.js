// The desk's words, and names that several of its parts say.

import { title } from "../titles.js";
import { words } from "../words.js";
import { en, zh } from "./words.js";

export const t = words({ en, zh });

/** @param {string} role */
export const who = (role) => t(role in en ? role : "unknown");

/** A step or an outcome as people read it. @param {string} label */
export const named = (label) => (label === "(end)" ? t("end_of_call") : title(label));
