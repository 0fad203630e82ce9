// What surrounds every page: signing in, the navigation, keys, language and colours, and what the connection is like.

import { Away, Problem, answered, ask, get } from "./api.js";
import { add, fill, h } from "./dom.js";
import { all, keys } from "./keys.js";
import { PAGES, pagesOf } from "./pages.js";
import { states, watching } from "./stream.js";
import { language, speak, words } from "./words.js";
import { en, zh } from "./shell_words.js";

/** @typedef {import("./pages.js").Me} Me */

const t = words({ en, zh });
const by = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const THEME = "convmine.theme";
const LOOK_MS = 60_000;
const OWN = new URL(import.meta.url).pathname.split("/")[2];

let me = /** @type {Me | null} */ (null);
let leave = /** @type {() => void} */ (() => {});
let shown = 0;
const faults = /** @type {Map<string, {text: string, kind: string, button?: [string, () => void]}>} */ (new Map());

// Where one is.

/** @param {string} path */
function go(path) {
  history.pushState(null, "", path);
  show();
}

/** @param {string} path */
const note = (path) => history.replaceState(history.state, "", path);

async function show() {
  const turn = ++shown;
  leave();
  leave = () => {};
  tell("fault");
  const root = by("main");
  if (!me) return signIn(root);
  const open = pagesOf(me);
  const path = location.pathname;
  if (path === "/" || path === "/sign-in") return open[0] ? go(open[0].href ?? "/") : fill(root, h("p", { class: "empty" }, t("nothing_for_you")));
  header();
  const page = open.find((one) => one.path.test(path));
  document.title = `${t(page?.name ?? "not_here")} · convmine`;
  if (!page) return fill(root, h("section", { class: "empty" }, h("h1", {}, t("not_here")), h("p", {}, t("not_yours"))));
  const inside = h("div", { class: `page ${page.name}` });
  fill(root, inside);
  try {
    const { mount } = await page.load();
    if (turn !== shown) return;
    const left = await mount(inside, { me, url: new URL(location.href), go, note, announce, fault });
    if (turn === shown) leave = left ?? leave;
    else left?.();
  } catch (error) {
    if (turn === shown) fault(error);
  }
}

/** @param {string} text */
function announce(text) {
  by("announced").textContent = text;
}

// What went wrong, and what the connection is like.

/** @param {unknown} error */
function fault(error) {
  if (error instanceof Problem && error.status === 401) return;
  if (error instanceof DOMException && error.name === "AbortError") return;
  if (error instanceof Away) return tell("fault", t("no_answer"), "bad", [t("again"), show]);
  if (error instanceof Problem) return tell("fault", [error.message, error.hint].filter(Boolean).join(" · "), "bad", [t("close"), () => tell("fault")]);
  console.error(error);
  tell("fault", t("broken"), "bad", [t("again"), () => location.reload()]);
}

/** @param {string} name @param {string} [text] @param {string} [kind] @param {[string, () => void]} [button] */
function tell(name, text, kind = "", button) {
  if (text) faults.set(name, { text, kind, button });
  else if (!faults.delete(name)) return;
  fill(
    by("banner"),
    Array.from(faults, ([key, one]) =>
      h("p", { class: `banner ${one.kind}`, dataset: { about: key } }, h("span", {}, one.text), one.button && h("button", { type: "button", onclick: one.button[1] }, one.button[0])),
    ),
  );
}

function connection() {
  const all = [...states.values()];
  const worst = all.includes("lost") ? "lost" : all.includes("away") ? "away" : all.includes("live") ? "live" : "";
  const dot = document.getElementById("connection");
  if (dot) {
    dot.dataset.state = worst;
    dot.textContent = worst ? t(`is_${worst}`) : "";
  }
  if (worst === "lost" || worst === "away") tell("connection", t(`${worst}_long`), "warn");
  else tell("connection");
  if (worst === "live") look();
}

let looked = 0;

/** Whether this page is still the one that the server has; a page that is not looked at takes the new one by itself. */
async function look() {
  if (Date.now() - looked < LOOK_MS / 4) return;
  looked = Date.now();
  try {
    const now = /** @type {Me} */ (await get("/v1/me"));
    if (now.version === OWN) return tell("version");
    if (document.hidden) location.reload();
    else tell("version", t("new_version"), "warn", [t("reload"), () => location.reload()]);
  } catch {
    // the connection's own line says it
  }
}

// Signing in.

/** @param {HTMLElement} root */
function signIn(root) {
  fill(by("header"));
  document.title = `${t("sign_in")} · convmine`;
  const key = h("input", { type: "password", name: "key", id: "key", required: true, autocomplete: "current-password", autocapitalize: "off", spellcheck: "false" });
  const said = h("p", { class: "help bad", role: "alert" });
  const form = h(
    "form",
    { class: "sign-in card" },
    h("h1", {}, "convmine"),
    h("label", { for: "key" }, t("key")),
    key,
    said,
    h("button", { type: "submit", class: "main" }, t("sign_in")),
    h("p", { class: "help" }, t("key_help")),
    h("p", { class: "help", id: "other-ways" }),
    languages(),
  );
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    said.textContent = "";
    try {
      await ask("POST", "/session", { key: key.value.trim() });
      key.value = "";
      me = await get("/v1/me");
      tell("session");
      show();
    } catch (error) {
      said.textContent = error instanceof Problem && [401, 422].includes(error.status) ? t("no_key") : t("no_answer");
      key.select();
    }
  });
  fill(root, form);
  key.focus();
  otherWays(said);
}

const FAILED = ["denied", "stale", "away", "refused", "nobody"];

/** Signing in elsewhere, and what came of it. @param {HTMLElement} said */
async function otherWays(said) {
  const failed = new URLSearchParams(location.search).get("failed") ?? "";
  if (FAILED.includes(failed)) said.textContent = t(`failed_${failed}`);
  const { ways } = await get("/sign-in/ways").catch(() => ({ ways: [] }));
  const place = document.getElementById("other-ways");
  if (!place) return;
  fill(place, ways.map((/** @type {{path: string, title: string}} */ way) =>
    h("button", { type: "button", onclick: () => location.assign(way.path) }, t("sign_in_with", { who: way.title }))));
}

async function signOut() {
  await ask("DELETE", "/session").catch(() => {});
  me = null;
  show();
}

answered.add((status) => {
  if (status !== 401 || !me) return;
  me = null;
  tell("session", t("signed_out"), "warn");
  show();
});

// What stands above every page.

function languages() {
  const select = h(
    "select",
    { "aria-label": t("language"), id: "language" },
    h("option", { value: "en", lang: "en" }, "English"),
    h("option", { value: "zh", lang: "zh-CN" }, "中文"),
  );
  select.value = language();
  select.addEventListener("change", () => {
    speak(select.value);
    by("skip").textContent = t("skip");
    show();
    connection();
  });
  return select;
}

function theme() {
  const select = h("select", { "aria-label": t("colours"), id: "theme" }, ["system", "light", "dark"].map((one) => h("option", { value: one }, t(`colours_${one}`))));
  select.value = localStorage.getItem(THEME) ?? "system";
  select.addEventListener("change", () => {
    localStorage.setItem(THEME, select.value);
    paint();
  });
  return select;
}

function paint() {
  const chosen = localStorage.getItem(THEME) ?? "system";
  if (chosen === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
}

function header() {
  if (!me) return;
  const here = location.pathname;
  const links = pagesOf(me)
    .filter((page) => page.href)
    .map((page) => h("a", { href: page.href, "aria-current": page.path.test(here) ? "page" : null, title: `g ${page.key}` }, t(page.name)));
  fill(
    by("header"),
    h("span", { class: "brand" }, "convmine"),
    h("nav", { "aria-label": t("pages") }, links),
    h("span", { id: "connection", class: "connection" }),
    h("details", { class: "menu" },
      h("summary", {}, me.name),
      h("div", { class: "card" },
        h("p", { class: "help" }, `${me.tenant} · ${me.roles.map((role) => (role === "agent" && me?.agent ? `agent ${me.agent}` : role)).join(", ")}`),
        h("label", {}, t("language"), languages()),
        h("label", {}, t("colours"), theme()),
        h("button", { type: "button", onclick: help }, t("keys")),
        h("button", { type: "button", onclick: signOut }, t("sign_out")),
      ),
    ),
  );
  connection();
}

function help() {
  const dialog = h(
    "dialog",
    { class: "card keys", "aria-labelledby": "keys-title" },
    h("h2", { id: "keys-title" }, t("keys")),
    h("dl", {}, all().filter((one) => one.says).map((one) => [h("dt", {}, one.key.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, one.says)])),
    h("form", { method: "dialog" }, h("button", { class: "main" }, t("close"))),
  );
  dialog.addEventListener("close", () => dialog.remove());
  add(document.body, [dialog]);
  dialog.showModal();
}

function ownKeys() {
  const to = PAGES.filter((page) => page.href).map((page) => ({
    key: `g ${page.key}`,
    get says() {
      return me && pagesOf(me).includes(page) ? t(page.name) : "";
    },
    does: () => me && pagesOf(me).includes(page) && go(page.href ?? "/"),
  }));
  keys([...to, { key: "?", get says() { return t("keys"); }, does: help }]);
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  const menu = document.querySelector("details.menu[open]");
  if (menu && !menu.contains(/** @type {Node} */ (event.target))) menu.removeAttribute("open");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download") || event.defaultPrevented) return;
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.origin !== location.origin) return;
  if (link.hash && link.pathname === location.pathname) return;
  if (!PAGES.some((page) => page.path.test(link.pathname)) && link.pathname !== "/") return;
  event.preventDefault();
  go(link.pathname + link.search);
});
window.addEventListener("popstate", show);
document.addEventListener("visibilitychange", () => document.hidden || look());
window.setInterval(look, LOOK_MS);
watching.add(connection);

speak(language());
paint();
ownKeys();
by("skip").textContent = t("skip");
me = await get("/v1/me").catch((error) => {
  if (!(error instanceof Problem)) fault(error);
  return null;
});
show();
