// The suggestions of a call: which one stands, and what became of those before it.

/** @typedef {import("./answers.js").Answers} Answers */
/** @typedef {"accepted" | "edited" | "dismissed" | "withdrawn" | "expired" | "late" | "replaced" | "ended"} Became */
/** @typedef {{id: string, told: any, withdrawn: string | null, isLate: boolean}} Suggestion `told` is suggestion.created */

/** A priority from which a suggestion is urgent, as the suggest stage has it. */
const URGENT = 80;
const MOST = 30;
const SHOWN_EARLIER = 8;

/** @param {Suggestion} one */
export const isUrgent = (one) => one.told.priority >= URGENT;
/** @param {Suggestion} one */
export const madeAt = (one) => Date.parse(one.told.created_at);
/** @param {Suggestion} one */
export const expiresAt = (one) => Date.parse(one.told.expires_at);

export class Advice {
  constructor() {
    /** @type {Map<string, Suggestion>} */
    this.all = new Map();
    /** Taken back before they came: a reader may be told so. @type {Map<string, string>} */
    this.before = new Map();
  }

  /** @param {any} told suggestion.created @param {boolean} hasEnded whether the call was over when it came */
  created(told, hasEnded) {
    const had = this.all.get(told.suggestion_id);
    if (had) {
      had.told = told;
      return;
    }
    const withdrawn = this.before.get(told.suggestion_id) ?? null;
    this.all.set(told.suggestion_id, { id: told.suggestion_id, told, withdrawn, isLate: hasEnded });
    if (this.all.size > MOST) this.all.delete(this.all.keys().next().value ?? "");
  }

  /** @param {any} told suggestion.withdrawn */
  withdrawn(told) {
    const had = this.all.get(told.suggestion_id);
    if (had) had.withdrawn = told.reason;
    else {
      this.before.set(told.suggestion_id, told.reason);
      if (this.before.size > MOST) this.before.delete(this.before.keys().next().value ?? "");
    }
  }

  /**
   * The one to show: what nobody answered yet goes first, then what is urgent, then what is newest.
   * @param {number} now @param {Answers} answers @param {boolean} hasEnded @returns {Suggestion | null}
   */
  current(now, answers, hasEnded) {
    if (hasEnded) return null;
    let best = /** @type {Suggestion | null} */ (null);
    for (const one of this.all.values()) {
      if (one.withdrawn !== null || one.isLate || expiresAt(one) <= now) continue;
      const given = answers.of(one.id);
      if (given?.kind === "dismissed" && given.state !== "failed") continue;
      if (!best || before(one, best, answers)) best = one;
    }
    return best;
  }

  /**
   * Those before, the newest first, with what became of each.
   * @param {Suggestion | null} current @param {number} now @param {Answers} answers @param {boolean} hasEnded
   * @returns {{one: Suggestion, became: Became}[]}
   */
  earlier(current, now, answers, hasEnded) {
    const others = [...this.all.values()].filter((one) => one !== current).sort((a, b) => madeAt(b) - madeAt(a));
    return others.slice(0, SHOWN_EARLIER).map((one) => ({ one, became: became(one, now, answers, hasEnded) }));
  }
}

/** @param {Suggestion} a @param {Suggestion} b @param {Answers} answers */
function before(a, b, answers) {
  const answered = Number(Boolean(answers.of(a.id))) - Number(Boolean(answers.of(b.id)));
  if (answered) return answered < 0;
  if (isUrgent(a) !== isUrgent(b)) return isUrgent(a);
  return madeAt(a) > madeAt(b);
}

/** @param {Suggestion} one @param {number} now @param {Answers} answers @param {boolean} hasEnded @returns {Became} */
function became(one, now, answers, hasEnded) {
  const given = answers.of(one.id);
  if (given) return given.kind;
  if (one.isLate) return "late";
  if (one.withdrawn !== null) return "withdrawn";
  if (expiresAt(one) <= now) return "expired";
  return hasEnded ? "ended" : "replaced";
}
