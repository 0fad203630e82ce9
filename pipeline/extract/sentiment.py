"""The tone of each side, from what its intents stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from schemas.insight import Intent, SideSentiment
from schemas.transcript import Segment
from schemas.wire import Role, Sentiment

_SIGN: Final = {Sentiment.NEGATIVE: -1.0, Sentiment.NEUTRAL: 0.0, Sentiment.POSITIVE: 1.0}
# Between the two a side is neither glad nor cross.
_CLEAR: Final = 0.25


def side_sentiments(segments: Sequence[Segment], intents: Sequence[Intent]) -> list[SideSentiment]:
    """One for each role that spoke: the mean over its intents that have a tone, from -1 to 1."""
    return [_side(role, intents) for role in dict.fromkeys(segment.role for segment in segments)]


def _side(role: Role, intents: Sequence[Intent]) -> SideSentiment:
    signs = [_SIGN[intent.sentiment] for intent in intents if intent.role is role]
    toned = [sign for sign in signs if sign]
    score = sum(toned) / len(toned) if toned else 0.0
    if score > _CLEAR:
        sentiment = Sentiment.POSITIVE
    elif score < -_CLEAR:
        sentiment = Sentiment.NEGATIVE
    else:
        sentiment = Sentiment.NEUTRAL
    return SideSentiment(role=role, sentiment=sentiment, score=round(score, 3))
