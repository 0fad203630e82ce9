"""What was found in the chunks of a call as what was found in the call: nothing is counted twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from pipeline.extract.chunks import Chunk
from pipeline.extract.claims import Grounded
from pipeline.extract.findings import FoundEntity, FoundFollowUp, FoundIntent, FoundObjection
from schemas.insight import Evidence, InferredOutcome

_Found = TypeVar("_Found", FoundIntent, FoundEntity, FoundObjection, FoundFollowUp)


@dataclass(frozen=True, slots=True)
class _Place(Generic[_Found]):
    """Something found in ``text[start:end]`` of a segment, by a chunk that was shown ``text[first:after]``."""

    found: _Found
    start: int
    end: int
    chunk: int
    first: int
    after: int

    def overlaps(self, other: _Place[_Found]) -> bool:
        """Whether both stand on the same words."""
        same_words = self.found.evidence.quote == other.found.evidence.quote
        return same_words or (self.start < other.end and other.start < self.end)

    def seen_by_both(self, other: _Place[_Found]) -> bool:
        """Whether each chunk was shown what the other found."""
        return (
            self.chunk != other.chunk
            and self.first <= other.start
            and other.end <= self.after
            and other.first <= self.start
            and self.end <= other.after
        )


def merged(parts: Sequence[tuple[Chunk, Grounded]]) -> Grounded:
    """The findings of a whole call; ``parts`` are its chunks in order, each with what was found in it.

    Two findings of one name in one segment are the same where their quotes overlap or say the same. Where chunks
    overlap, the earlier one has the say of how often an intent, an objection or a follow-up occurs in what both were
    shown; what only the later saw counts, too. The outcome is the one with the latest evidence.
    """
    return Grounded(
        intents=_once(parts, lambda part: part.intents, lambda intent: intent.name),
        entities=_once(parts, lambda part: part.entities, lambda entity: entity.name, each_value=True),
        outcome=_last(part.outcome for _, part in parts),
        dropped=sum(part.dropped for _, part in parts),
        objections=_once(parts, lambda part: part.objections, lambda _: "objection", better=_answered),
        follow_ups=_once(parts, lambda part: part.follow_ups, lambda follow_up: follow_up.kind),
    )


def _once(
    parts: Sequence[tuple[Chunk, Grounded]],
    of: Callable[[Grounded], Iterable[_Found]],
    name: Callable[[_Found], str],
    *,
    each_value: bool = False,
    better: Callable[[_Found, _Found], _Found] = lambda kept, _: kept,
) -> tuple[_Found, ...]:
    """Each thing once, in order of time; of two entities that both saw, those with other words are two."""
    kept: dict[tuple[str, str], list[_Place[_Found]]] = defaultdict(list)
    for number, (chunk, part) in enumerate(parts):
        for place in _placed(of(part), chunk, number):
            known = kept[name(place.found), place.found.evidence.segment_id]
            for at, other in enumerate(known):
                if place.overlaps(other) or (not each_value and place.seen_by_both(other)):
                    known[at] = replace(other, found=better(other.found, place.found))
                    break
            else:
                known.append(place)
    every = [place for places in kept.values() for place in places]
    every.sort(key=lambda place: (place.found.evidence.start_ms, place.found.evidence.segment_id, place.start))
    return tuple(place.found for place in every)


def _placed(found: Iterable[_Found], chunk: Chunk, number: int) -> Iterator[_Place[_Found]]:
    """Where in its segment each quote stands: at its first place in what the chunk was shown of it."""
    shown = {turn.segment.segment_id: turn for turn in chunk}
    for one in found:
        turn, quote = shown[one.evidence.segment_id], one.evidence.quote
        start = turn.segment.text.find(quote, turn.start, turn.end)
        if start < 0:  # it reaches over a cut, or stands before it: a model may quote what it was shown elsewhere
            start = max(0, turn.segment.text.find(quote))
        yield _Place(one, start, start + len(quote), number, turn.start, turn.end)


def _answered(kept: FoundObjection, later: FoundObjection) -> FoundObjection:
    """The answer may come after the end of the chunk in which the objection was raised."""
    return later if kept.answer is None and later.answer is not None else kept


def _last(outcomes: Iterable[InferredOutcome | None]) -> InferredOutcome | None:
    found = [outcome for outcome in outcomes if outcome is not None]
    return max(reversed(found), key=lambda outcome: _latest(outcome.evidence), default=None)


def _latest(evidence: Sequence[Evidence]) -> int:
    return max((one.start_ms for one in evidence), default=-1)
