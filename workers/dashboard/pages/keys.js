// Keys: each page says which keys do what, and the page of help lists them.

/** @typedef {{key: string, says: string, does: () => void}} Shortcut `key` as KeyboardEvent.key; two after each other as "g d". */

/** @type {Shortcut[][]} */
const rooms = [];
let before = "";
let timer = 0;

/** Have these keys until the returned function is called. @param {Shortcut[]} shortcuts @returns {() => void} */
export function keys(shortcuts) {
  rooms.push(shortcuts);
  return () => {
    const place = rooms.indexOf(shortcuts);
    if (place >= 0) rooms.splice(place, 1);
  };
}

/** All keys that do something now. */
export const all = () => rooms.flat();

const writing = (/** @type {any} */ target) =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Whether Space and Enter already do something where the focus is. */
const presses = (/** @type {any} */ target) => target instanceof Element && target.closest("button, summary, a[href], audio, [role=button]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (writing(event.target) && event.key !== "Escape") return;
  if ((event.key === " " || event.key === "Enter") && presses(event.target)) return;
  if (document.querySelector("dialog[open]") && event.key !== "Escape") return;
  const pressed = before ? `${before} ${event.key}` : event.key;
  const found = all().findLast((one) => one.key === pressed) ?? all().findLast((one) => one.key === event.key && !before);
  clearTimeout(timer);
  before = "";
  if (found) {
    event.preventDefault();
    found.does();
  } else if (all().some((one) => one.key.startsWith(event.key + " "))) {
    before = event.key;
    timer = window.setTimeout(() => (before = ""), 1200);
  }
});
