// Where in a transcript the evidence of what was mined stands, and when it was said. Pure functions.

/**
 * @typedef {{text: string, start_ms: number, end_ms: number}} Word
 * @typedef {{segment_id: string, role: string, start_ms: number, end_ms: number, text: string, words?: Word[]}} Segment
 * @typedef {{kind: string, name: string, quote: string, role?: string, segment_id?: string, at_ms?: number}} Evidence
 * @typedef {Evidence & {key: string, segment: number, start: number, end: number, from_ms: number}} Mark of a segment by its number, from one character up to another
 */

/** All that a call's findings stand on. @param {any} view @returns {Evidence[]} */
export function evidenceOf(view) {
  return [
    ...view.intents.map((/** @type {any} */ one) => ({ kind: "intent", name: one.name, quote: one.quote, role: one.role, segment_id: one.segment_id, at_ms: one.start_ms })),
    ...view.objections.map((/** @type {any} */ one) => ({ kind: "objection", name: one.topic ?? "", quote: one.quote, at_ms: one.start_ms })),
    ...view.follow_ups.map((/** @type {any} */ one) => ({ kind: "follow_up", name: one.what, quote: one.quote, role: one.role, at_ms: one.start_ms })),
    ...view.tone_turns.map((/** @type {any} */ one) => ({ kind: "tone", name: one.change, quote: one.quote, role: one.role, at_ms: one.at_ms })),
    ...view.compliance.flatMap((/** @type {any} */ one) => one.quotes.map((/** @type {string} */ quote) => ({ kind: "compliance", name: one.name, quote }))),
    ...view.entities.map((/** @type {any} */ one) => ({ kind: "entity", name: `${one.name}: ${one.value}`, quote: one.quote, role: one.role })),
  ];
}

/** The evidence that is found in these segments, in the order in which it was said. @param {Evidence[]} evidence @param {Segment[]} segments @returns {Mark[]} */
export function marksOf(evidence, segments) {
  const found = /** @type {Mark[]} */ ([]);
  for (const [number, one] of evidence.entries()) {
    const at = segmentOf(one, segments);
    if (at < 0) continue;
    const segment = segments[at];
    const place = placeOf(one.quote, segment.text);
    const [start, end] = place < 0 ? [0, segment.text.length] : [place, place + one.quote.length];
    found.push({ ...one, key: `${one.kind}-${number}`, segment: at, start, end, from_ms: momentOf(segment, start) });
  }
  return found.sort((a, b) => a.segment - b.segment || a.start - b.start || b.end - a.end);
}

/** @param {string} quote @param {string} text */
function placeOf(quote, text) {
  const place = text.indexOf(quote);
  if (place >= 0) return place;
  const [small, smaller] = [text.toLowerCase(), quote.toLowerCase()];
  return small.length === text.length && smaller.length === quote.length ? small.indexOf(smaller) : -1;
}

/** @param {Evidence} one @param {Segment[]} segments */
function segmentOf(one, segments) {
  const fits = (/** @type {Segment} */ segment) => (!one.role || segment.role === one.role) && placeOf(one.quote, segment.text) >= 0;
  const named = one.segment_id ? segments.findIndex((segment) => segment.segment_id === one.segment_id) : -1;
  if (named >= 0) return named;
  const at = one.at_ms;
  if (at !== undefined) {
    const then = segments.findIndex((segment) => segment.start_ms <= at && at <= segment.end_ms && fits(segment));
    if (then >= 0) return then;
  }
  return segments.findIndex(fits);
}

/** When a character of a segment was said: as its words say, else as far into it as into its text. @param {Segment} segment @param {number} start */
function momentOf(segment, start) {
  let said = null;
  for (const { word, from } of wordsOf(segment)) {
    if (from > start && said !== null) break;
    said = word.start_ms;
    if (from + word.text.length > start) break;
  }
  if (said !== null) return said;
  const share = segment.text.length ? start / segment.text.length : 0;
  return Math.round(segment.start_ms + (segment.end_ms - segment.start_ms) * share);
}

/** The words of a segment with where each stands in its text; none where their times are not known. @param {Segment} segment @returns {{word: Word, from: number}[]} */
export function wordsOf(segment) {
  const found = [];
  let from = 0;
  for (const word of segment.words ?? []) {
    const place = segment.text.indexOf(word.text, from);
    if (place < 0) continue;
    found.push({ word, from: place });
    from = place + word.text.length;
  }
  return found;
}

/** The number of the segment that is said at a time: the last that has begun. @param {Segment[]} segments in order of start @param {number} ms */
export function saidAt(segments, ms) {
  let [low, high] = [0, segments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle].start_ms <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
