// A seller's own desk: the present call opens by itself, several have tabs, and the last one stays until the next begins.

import { serverNow } from "../api.js";
import { following } from "./following.js";
import { screen } from "./screen.js";
import { t } from "./spoken.js";

/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("../pages.js").Context} Context */

/** A call that began at most so long before another ended is the next one: their events come over several ways. */
const OVERLAP_MS = 30_000;
/** How long the tab of a call stays that has ended while another one was looked at. */
const STAYS_MS = 60_000;

/** @param {HTMLElement} root @param {Context} context @param {(call: string) => void} listen the address names a call of somebody else, which one may see */
export function ownDesk(root, context, listen) {
  const seesAll = context.me.roles.some((role) => ["supervisor", "analyst", "admin"].includes(role));
  const asked = context.url.searchParams.get("call");
  /** Whether it is known that the call of the address is none that one only may see. */
  let isOwn = !(asked && seesAll);
  let active = /** @type {string | null} */ (asked);
  let picked = "";
  const desk = following({ agent: context.me.agent }, () => view.schedule());
  const view = screen(root, context, { calls, active: shown, choose, tick, readOnly: false, waiting: () => t(asked && desk.isOpen && !desk.calls.has(asked) ? "not_yours" : "waiting") });

  /** Once a second. */
  function tick() {
    desk.tick();
    desk.putAway(active, serverNow() - STAYS_MS);
    if (isOwn || !desk.isOpen) return;
    isOwn = true;
    if (asked && !desk.calls.has(asked)) listen(asked);
  }

  /** In the order in which they began, which does not change. */
  function calls() {
    return [...desk.calls.values()];
  }

  /** The chosen one; where it has ended and another has begun since, that. @returns {Call | null} */
  function shown() {
    const all = calls();
    const now = active === null ? undefined : desk.calls.get(active);
    if (now && !(now.ended && picked !== now.id)) return now;
    const after = now ? now.endedAt - OVERLAP_MS : -Infinity;
    const next = all.findLast((one) => !one.ended && (one.startedAt ?? 0) > after) ?? now ?? all.at(-1) ?? null;
    if (next && next !== now && desk.isOpen && isOwn) {
      if (active !== null) context.note("/desk");
      active = next.id;
      desk.putAway(next.id);
    }
    return next;
  }

  /** @param {string} id */
  function choose(id) {
    active = picked = id;
    context.note(`/desk?call=${encodeURIComponent(id)}`);
    view.schedule();
  }

  return () => {
    view.close();
    desk.close();
  };
}
