// One call, as its events tell it; they may come late, twice or in another order.

import { Advice } from "./advice.js";
import { Turns } from "./turns.js";

const MOST_ALERTS = 50;

export class Call {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {Record<string, any>} */
    this.facts = {};
    /** @type {any[]} */
    this.channels = [];
    /** ms since 1970, as far as that is known. @type {number | null} */
    this.startedAt = null;
    /** ms since 1970: the newest that was heard of it */
    this.lastAt = 0;
    /** ms of the call that its words reach */
    this.reachedMs = 0;
    this.turns = new Turns();
    this.advice = new Advice();
    /** @type {any} */
    this.checklist = null;
    /** The newest first. @type {any[]} */
    this.alerts = [];
    /** @type {any} */
    this.recap = null;
    /** The newest flow.state. @type {any} */
    this.state = null;
    /** What was mined from the whole call. @type {any} */
    this.insight = null;
    this.holdAt = -1;
    this.resumeAt = -1;
    /** @type {{durationMs: number | null, heard: boolean} | null} `heard`: it was told to have ended */
    this.ended = null;
    /** ms since 1970 */
    this.endedAt = 0;
    /** Whether it is known from its beginning. */
    this.fromStart = false;
    /** Whether what is stored of it was asked for, and what came of that. @type {"no" | "asked" | "filled" | "nothing"} */
    this.stored = "no";
  }

  get isHeld() {
    return this.holdAt > this.resumeAt;
  }

  /** ms that it has lasted. @param {number} now */
  lastedMs(now) {
    if (this.ended?.durationMs != null) return this.ended.durationMs;
    const until = this.ended ? this.lastAt : now;
    return Math.max(this.reachedMs, this.startedAt === null ? 0 : until - this.startedAt);
  }

  /** @param {any} event */
  take(event) {
    const at = Date.parse(event.ce_time);
    if (event.call) {
      const said = Object.entries(event.call).filter(([, value]) => value !== null);
      this.facts = at >= this.lastAt ? { ...this.facts, ...Object.fromEntries(said) } : { ...Object.fromEntries(said), ...this.facts };
    }
    if (at > this.lastAt) this.lastAt = at;
    TAKES[event.type]?.(this, event, at);
    if (this.facts.started_at) this.startedAt = Date.parse(this.facts.started_at);
    else if (this.startedAt === null || at < this.startedAt) this.startedAt = at;
  }

  /** Take words as they are stored; those that came live are newer. @param {any[]} segments */
  fill(segments) {
    for (const one of segments) this.said(one, true, 0);
  }

  /** @param {any} segment @param {boolean} final @param {number} revision */
  said(segment, final, revision) {
    if (segment.end_ms > this.reachedMs) this.reachedMs = segment.end_ms;
    const { segment_id: key, start_ms: at, end_ms: until, role, text } = segment;
    this.turns.put({ key, kind: "said", at, until, role, text, final, revision });
  }

  /** @param {"gap" | "held" | "resumed"} kind @param {string} key @param {number} at @param {number} [until] @param {number} [channel] */
  mark(kind, key, at, until = at, channel) {
    this.turns.put({ key: `${kind}:${key}`, kind, at, until, role: "unknown", channel, text: "", final: true, revision: 1 });
  }

  /** @param {number | undefined} channel */
  roleOf(channel) {
    return this.channels.find((one) => one.index === channel)?.role ?? "unknown";
  }

  /** @param {number | null} durationMs */
  end(durationMs, heard = true) {
    if (!this.ended) this.endedAt = this.lastAt;
    this.ended = { durationMs: durationMs ?? this.ended?.durationMs ?? null, heard };
  }
}

/** @type {Record<string, (call: Call, event: any, at: number) => void>} */
const TAKES = {
  "call.started": (call, event, at) => {
    call.fromStart = true;
    call.channels = event.channels;
    if (!call.facts.started_at) call.startedAt = at;
  },
  "call.updated": () => {},
  "call.held": (call, event) => {
    call.holdAt = Math.max(call.holdAt, event.at_ms);
    call.mark("held", event.at_ms, event.at_ms);
  },
  "call.resumed": (call, event) => {
    call.resumeAt = Math.max(call.resumeAt, event.at_ms);
    call.mark("resumed", event.at_ms, event.at_ms);
  },
  "call.ended": (call, event) => call.end(event.duration_ms),
  "transcript.segment": (call, event) => call.said(event.segment, event.final, event.revision),
  "transcript.gap": (call, event) => call.mark("gap", `${event.channel}:${event.start_ms}`, event.start_ms, event.end_ms, event.channel),
  "conversation.message": (call, event, at) => {
    const sent = Math.max(0, Date.parse(event.sent_at) - (Date.parse(call.facts.started_at ?? "") || call.startedAt || at));
    call.said({ segment_id: event.message_id, start_ms: sent, end_ms: sent, role: event.role, text: event.text }, true, 1);
  },
  "suggestion.created": (call, event) => call.advice.created(event, call.ended !== null),
  "suggestion.withdrawn": (call, event) => call.advice.withdrawn(event),
  "checklist.updated": (call, event, at) => {
    const had = call.checklist;
    if (had && (event.at_ms < had.at_ms || (event.at_ms === had.at_ms && at < Date.parse(had.ce_time)))) return;
    call.checklist = event;
  },
  "call.alert": (call, event) => {
    if (call.alerts.some((one) => one.alert_id === event.alert_id)) return;
    call.alerts = [event, ...call.alerts].sort((a, b) => b.at_ms - a.at_ms).slice(0, MOST_ALERTS);
  },
  "call.recap": (call, event) => {
    call.recap = event;
  },
  "flow.state": (call, event, at) => {
    if (event.insight) {
      call.insight = event.insight;
      if (!call.ended) call.end(event.insight.duration_ms);
      return;
    }
    if (!call.state || at >= Date.parse(call.state.ce_time)) call.state = event;
  },
};
/** The events that a desk takes. */
export const TAKEN = Object.keys(TAKES);
