"""The tone of each side, from what its intents stand for, and where it turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.insight import Intent, SideSentiment, ToneChange, ToneTurn
from schemas.transcript import Segment
from schemas.wire import Role, Sentiment

_SIGN: Final = {Sentiment.NEGATIVE: -1.0, Sentiment.NEUTRAL: 0.0, Sentiment.POSITIVE: 1.0}
# Between the two a side is neither glad nor cross.
_CLEAR: Final = 0.25


def side_sentiments(segments: Sequence[Segment], intents: Sequence[Intent]) -> list[SideSentiment]:
    """One for each role that spoke: the mean over its intents that have a tone, from -1 to 1."""
    return [_side(role, intents) for role in dict.fromkeys(segment.role for segment in segments)]


def _side(role: Role, intents: Sequence[Intent]) -> SideSentiment:
    toned = [intent for intent in intents if intent.role is role and _SIGN[intent.sentiment]]
    score = _mean(toned)
    return SideSentiment(role=role, sentiment=tone_of(score), score=round(score, 3), turn=_turn(toned))


def _turn(toned: Sequence[Intent]) -> ToneTurn | None:
    """The place where what is before differs most from what is after (least squares), if both are clear and differ.

    A tone that turns and turns back has no such place.
    """
    places = range(1, len(toned))
    place = max(places, key=lambda at: _between(toned[:at], toned[at:]), default=0)
    before, after = tone_of(_mean(toned[:place])), tone_of(_mean(toned[place:]))
    if Sentiment.NEUTRAL in {before, after} or before is after:
        return None
    first = toned[place]
    return ToneTurn(
        change=ToneChange.BETTER if after is Sentiment.POSITIVE else ToneChange.WORSE,
        at_ms=min(evidence.start_ms for evidence in first.evidence),
        evidence=first.evidence,
    )


def _between(before: Sequence[Intent], after: Sequence[Intent]) -> float:
    """How much of the variance lies between the two, times how many there are."""
    return len(before) * len(after) * (_mean(before) - _mean(after)) ** 2


def _mean(toned: Sequence[Intent]) -> float:
    return sum(_SIGN[intent.sentiment] for intent in toned) / len(toned) if toned else 0.0


def tone_of(score: float) -> Sentiment:
    """The tone that a mean from -1 to 1 stands for."""
    if score > _CLEAR:
        return Sentiment.POSITIVE
    return Sentiment.NEGATIVE if score < -_CLEAR else Sentiment.NEUTRAL
