// Who changed what, when and why.

import { get } from "../api.js";
import { fill, h } from "../dom.js";
import { moment, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });

/** @type {import("./page.js").Tab} */
export function history(root, bench) {
  let gone = false;
  const body = h("section", { class: "panel whole" }, h("p", { class: "help" }, t("loading")));
  fill(root, body);
  get("/v1/workbench/history", bench.place)
    .then((found) => !gone && draw(found))
    .catch((error) => gone || bench.context.fault(error));

  /** @param {any} found */
  function draw(found) {
    fill(body,
      !found.logged && h("p", { class: "help" }, t("no_log")),
      found.items.length
        ? h("div", { class: "scroll" }, h("table", {},
            h("thead", {}, h("tr", {}, ["when", "who", "what", "why"].map((name) => h("th", { scope: "col" }, t(name))))),
            h("tbody", {}, found.items.map((/** @type {any} */ one) => h("tr", {},
              h("td", {}, moment(one.at)), h("td", {}, one.by), h("td", {}, t(`a_${one.action}`, { name: one.name, version: one.version ?? "" })), h("td", {}, one.reason ?? ""))))))
        : h("p", { class: "empty" }, t("no_history")),
    );
  }

  return () => {
    gone = true;
  };
}
