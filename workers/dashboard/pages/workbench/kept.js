// What was written and is not saved yet: kept in this tab, so that neither a reload nor a lost connection loses it.

const PREFIX = "convmine.workbench:";

/** @param {string} name @returns {any} null where nothing is kept */
export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} name @param {any} value null forgets it */
export function keepUnsaved(name, value) {
  if (value === null) sessionStorage.removeItem(PREFIX + name);
  else sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
}

/** The names of all that is kept and begins so. @param {string} start @returns {string[]} */
export function unsaved(start = "") {
  return Object.keys(sessionStorage)
    .filter((key) => key.startsWith(PREFIX + start))
    .map((key) => key.slice(PREFIX.length));
}

/** Have the browser ask before it leaves while something is kept; returns what ends that. */
export function warnOnLeaving() {
  const warn = (/** @type {BeforeUnloadEvent} */ event) => unsaved().length && event.preventDefault();
  window.addEventListener("beforeunload", warn);
  return () => window.removeEventListener("beforeunload", warn);
}
