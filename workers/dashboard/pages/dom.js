// Elements, made of plain calls. Text is always set as text: nothing that comes from a call is ever read as HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Attributes: `class`, `dataset`, `on<event>` listeners, properties such as `value`, `checked`, `disabled`,
 * and anything else as an attribute; null and false leave it out.
 * @param {string} tag
 * @param {Record<string, any>} [attributes]
 * @param {...any} children nodes, texts, numbers; null and false are left out, lists are taken one by one
 * @returns {any}
 */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for a part of a drawing. @param {string} tag @param {Record<string, any>} [attributes] @param {...any} children @returns {any} */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "hidden", "open", "indeterminate"]);

/** @param {any} element @param {Record<string, any>} attributes @param {any[]} children */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, String(one));
    else if (PROPERTIES.has(name) && name in element) element[name] = value;
    else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

/** Append children. @param {Node} parent @param {any[]} children */
export function add(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put these in place of all that is there. @param {Element} parent @param {...any} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  add(parent, children);
}

/**
 * Keep the children of a list in step with items: each item's element is made once, by its key, and then updated.
 * @template T
 * @param {Element} parent
 * @param {Iterable<T>} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Element} make
 * @param {(element: any, item: T) => void} [update]
 */
export function keep(parent, items, keyOf, make, update) {
  const had = new Map(Array.from(parent.children, (one) => [/** @type {any} */ (one).dataset.key, one]));
  const all = Array.from(items, (item) => ({ key: keyOf(item), item }));
  const stay = new Set(all.map((one) => one.key));
  // What is gone goes first: what stays is then where it belongs, and only what is not moved keeps its focus.
  for (const [key, gone] of had) if (!stay.has(key)) gone.remove();
  let before = /** @type {Element | null} */ (null);
  for (const { key, item } of all) {
    let element = had.get(key);
    if (!element) {
      element = make(item);
      /** @type {any} */ (element).dataset.key = key;
    }
    if (update) update(element, item);
    const next = before ? before.nextElementSibling : parent.firstElementChild;
    if (next !== element) parent.insertBefore(element, next);
    before = element;
  }
}

/** Set the text of an element only where it differs, so that nothing is drawn for nothing. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
