// What was said in a call, in the order of the call; bounded, so that a call of hours takes no more than one of minutes.

/**
 * @typedef {object} Turn
 * @property {string} key
 * @property {"said" | "gap" | "held" | "resumed"} kind
 * @property {number} at ms of the call
 * @property {number} until ms of the call
 * @property {string} role
 * @property {number} [channel] of a gap: who is on it may be known later
 * @property {string} text
 * @property {boolean} final false while it is still being spoken
 * @property {number} revision a higher one replaces a lower one
 */

/** So many rows stay; while somebody reads further up, twice as many, so that nothing goes from under their eyes. */
const MOST = 300;

export class Turns {
  constructor() {
    /** @type {Turn[]} */
    this.rows = [];
    /** How many were dropped at the beginning. */
    this.dropped = 0;
    /** Grows with each change. */
    this.version = 0;
    /** Whether somebody reads further up. */
    this.isRead = false;
    /** @type {Map<string, Turn>} */
    this.byKey = new Map();
  }

  /** Take a turn; one that is known already only if this is newer. @param {Turn} turn */
  put(turn) {
    const had = this.byKey.get(turn.key);
    if (had) {
      if (turn.revision < had.revision || (turn.revision === had.revision && (had.final || !turn.final))) return;
      const moves = had.at !== turn.at;
      Object.assign(had, turn);
      if (moves) {
        this.rows.splice(this.rows.indexOf(had), 1);
        this.insert(had);
      }
    } else {
      if (this.dropped && this.rows.length && turn.at < this.rows[0].at) return;
      this.byKey.set(turn.key, turn);
      this.insert(turn);
    }
    this.version += 1;
    this.trim();
  }

  /** @param {Turn} turn */
  insert(turn) {
    let place = this.rows.length;
    while (place && this.rows[place - 1].at > turn.at) place -= 1;
    this.rows.splice(place, 0, turn);
  }

  /** Drop the earliest rows where there are too many. */
  trim() {
    const most = this.isRead ? 2 * MOST : MOST;
    if (this.rows.length <= most) return;
    for (const gone of this.rows.splice(0, this.rows.length - MOST)) this.byKey.delete(gone.key);
    this.dropped += 1;
    this.version += 1;
  }
}
