// A card tried on stored calls: slice after slice, newest first, until somebody stops it or enough are found.

import { Problem, part, post } from "../api.js";
import { fill, h, say } from "../dom.js";
import { clock, day, words } from "../words.js";
import { en, zh } from "./words.js";

const t = words({ en, zh });
const ENOUGH_CALLS = 200;
const ENOUGH_FOUND = 50;

/** @param {import("./page.js").Bench} bench @param {string} path of the card @param {() => any} content @param {(errors: any[]) => void} wrong */
export function cardTry(bench, path, content, wrong) {
  const said = h("p", { role: "status" });
  const found = h("ol", { class: "plain tried" });
  const more = h("button", { type: "button", hidden: true, onclick: () => run(false) }, t("more"));
  const stop = h("button", { type: "button", hidden: true, onclick: () => (turn += 1) }, t("stop"));
  let turn = 0;
  let after = /** @type {string | null} */ (null);
  let calls = 0;
  let fits = 0;

  /** @param {boolean} anew */
  async function run(anew) {
    const mine = ++turn;
    if (anew) {
      [after, calls, fits] = [null, 0, 0];
      fill(found);
    }
    stop.hidden = false;
    more.hidden = true;
    const until = { calls: calls + ENOUGH_CALLS, fits: fits + ENOUGH_FOUND };
    try {
      do {
        const slice = await post(`/v1/workbench/cards/${part(path)}/try`, { ...bench.place, content: content(), after });
        if (mine !== turn) break;
        calls += slice.calls;
        fits += slice.items.length;
        found.append(...slice.items.map(row));
        after = slice.next;
        say(said, t("trying", { calls }));
      } while (after && calls < until.calls && fits < until.fits);
      say(said, calls ? t(fits ? "tried" : "tried_none", { calls, found: fits }) : t("no_calls"));
    } catch (error) {
      say(said, "");
      if (error instanceof Problem && error.body.errors) wrong(error.body.errors);
      else bench.context.fault(error);
    }
    stop.hidden = true;
    more.hidden = !after;
  }

  return {
    element: h("section", { class: "stack" }, h("p", { class: "help" }, t("try_help")), h("div", { class: "row" }, said, stop, more), found),
    run: () => run(true),
    end: () => (turn += 1),
  };
}

/** @param {any} one */
function row(one) {
  return h("li", {},
    h("div", { class: "row" },
      h("a", { href: `/calls/${part(one.call_id)}` }, one.call_id),
      h("span", { class: "help" }, [one.started_at && day(one.started_at), one.agent, t(one.lane), t("at", { at: clock(one.at_ms) })].filter(Boolean).join(" · ")),
    ),
    one.quote && h("blockquote", {}, one.role && h("span", { class: `role-${one.role}` }, `${t(`role_${one.role}`)}: `), one.quote),
    h("p", { class: one.text ? "" : "help" }, one.text ?? t("no_slot")),
  );
}
