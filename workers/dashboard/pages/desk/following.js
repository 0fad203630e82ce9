// The calls of a desk, kept by a stream that begins with what is still known of them.

import { Problem, get, part, serverNow } from "../api.js";
import { follow } from "../stream.js";
import { Call, TAKEN } from "./call.js";

const OF = "suggestions,recaps,checklists,alerts,transcript,flow";
/** How often it is asked which calls are on, and how long one of which nothing is heard counts as on all the same. */
const LOOK_MS = 60_000;
const QUIET_MS = 30_000;
const AGAIN_MS = 10_000;
const REMEMBERED = 500;

/**
 * @param {Record<string, any>} sought which calls
 * @param {() => void} changed
 */
export function following(sought, changed) {
  /** @type {Map<string, Call>} */
  const calls = new Map();
  /** Those that were put away: what comes late of them opens nothing. @type {Set<string>} */
  const away = new Set();
  let isOpen = false;
  let looked = 0;

  /** @param {any} event */
  function take(event) {
    let call = calls.get(event.call_id);
    if (!call) {
      if (away.has(event.call_id)) return;
      call = new Call(event.call_id);
      calls.set(call.id, call);
    }
    call.take(event);
    changed();
  }

  /** Ended calls but the one to keep. @param {string | null} [kept] @param {number} [before] those that ended before, ms since 1970 */
  function putAway(kept, before = Infinity) {
    for (const [id, one] of calls) {
      if (!one.ended || id === kept || one.endedAt >= before) continue;
      calls.delete(id);
      away.add(id);
      if (away.size > REMEMBERED) away.delete(away.values().next().value ?? "");
    }
  }

  /** The stream has told what it still knew; from here on it is live. */
  function opened() {
    if (!isOpen) {
      const live = [...calls.values()].some((one) => !one.ended);
      putAway(live ? undefined : [...calls.values()].sort((a, b) => b.lastAt - a.lastAt)[0]?.id);
    }
    isOpen = true;
    looked = 0;
    changed();
  }

  /** The mark was too old: what is stored has what the stream has not. */
  function gap() {
    for (const call of calls.values()) {
      call.fromStart = false;
      call.stored = "no";
    }
  }

  /** @param {Call} call */
  async function fill(call) {
    call.stored = "asked";
    try {
      const { segments } = await get(`/v1/calls/${part(call.id)}/transcript`);
      call.fill(segments);
      call.stored = "filled";
    } catch (error) {
      if (error instanceof Problem && error.status === 404) call.stored = "nothing";
      else window.setTimeout(() => (call.stored = "no"), AGAIN_MS); // the live words go on without a store
    }
    changed();
  }

  /** Which are on: the end of a call may be lost. */
  async function look() {
    looked = performance.now();
    try {
      const { items } = await get("/v1/live");
      const on = new Set(items.map((/** @type {any} */ one) => one.call_id));
      for (const call of calls.values()) {
        if (!call.ended && !on.has(call.id) && call.lastAt < serverNow() - QUIET_MS) call.end(null, false);
      }
      changed();
    } catch {
      // asked again in a while; the stream says by itself that there is no connection
    }
  }

  const stream = follow("/v1/streams", { ...sought, of: OF, lane: "live", from: "start" }, {
    ...Object.fromEntries(TAKEN.map((name) => [name, take])),
    status: opened,
    gap,
  });

  return {
    calls,
    get isOpen() {
      return isOpen;
    },
    /** Once a second. */
    tick() {
      if (!isOpen) return;
      for (const call of calls.values()) if (!call.fromStart && call.stored === "no") fill(call);
      if (performance.now() - looked > LOOK_MS || !looked) look();
    },
    putAway,
    close: stream.close,
  };
}
