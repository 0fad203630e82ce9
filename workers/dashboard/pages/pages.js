// All pages: which path, for whom, by which key, and the module that shows it, loaded when it is first opened.

/**
 * @typedef {object} Me
 * @property {string} name
 * @property {string} tenant
 * @property {string[]} roles
 * @property {string | null} agent whose calls are theirs; whoever is supervisor, analyst or admin sees all
 * @property {string} version
 * @property {number} quiet_s
 *
 * @typedef {object} Context what a page is given
 * @property {Me} me
 * @property {URL} url
 * @property {(path: string) => void} go to another page; the address and "back" work as ever
 * @property {(path: string) => void} note keep the state of this page in the address, without opening anything
 * @property {(text: string) => void} announce for people who do not see the page
 * @property {(error: unknown) => void} fault show a problem in words, as a banner
 *
 * @typedef {object} PageModule
 * @property {(root: HTMLElement, context: Context) => (void | (() => void)) | Promise<void | (() => void)>} mount
 *
 * @typedef {object} Page
 * @property {string} name of the page, and of its words in the shell
 * @property {RegExp} path
 * @property {string} [href] its place in the navigation
 * @property {string} [key] after `g`
 * @property {string[]} roles
 * @property {() => Promise<PageModule>} load
 */

/** @type {Page[]} */
export const PAGES = [
  { name: "desk", path: /^\/desk$/, href: "/desk", key: "d", roles: ["agent", "supervisor", "admin"], load: () => import("./desk/page.js") },
  { name: "floor", path: /^\/floor$/, href: "/floor", key: "f", roles: ["supervisor", "admin"], load: () => import("./floor/page.js") },
  { name: "insights", path: /^\/insights$/, href: "/insights", key: "i", roles: ["agent", "supervisor", "analyst", "admin"], load: () => import("./insights/page.js") },
  { name: "workbench", path: /^\/workbench$/, href: "/workbench", key: "w", roles: ["supervisor", "analyst", "admin"], load: () => import("./workbench/page.js") },
  { name: "operations", path: /^\/operations$/, href: "/operations", key: "o", roles: ["supervisor", "admin"], load: () => import("./operations/page.js") },
  { name: "call", path: /^\/calls\/.+$/, roles: ["agent", "supervisor", "analyst", "admin"], load: () => import("./call/page.js") },
];

/** The pages that somebody may open. @param {Me} me */
export const pagesOf = (me) => PAGES.filter((page) => page.roles.some((role) => me.roles.includes(role)));
