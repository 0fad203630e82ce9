"""What the benchmarks send: segments of many calls that go on at once, as the live recognition stage writes them."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

from pipeline.handling import Outbound
from pipeline.ids import stable_id
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptSegment
from schemas.wire import CallFacts, Role
from workers.records import NewRecord, write_event

_TENANT: Final = "acme"
_BEGIN: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_WORDS: Final = (
    *("i", "would", "like", "to", "know", "whether", "my", "plan", "can", "be", "changed", "before", "the", "month"),
    *("ends", "and", "what", "that", "costs", "a", "colleague", "of", "yours", "said", "there", "is", "no", "fee"),
)
_LETTERS: Final = 70


def segments(topic: str, count: int, *, calls: int = 500, seed: int = 1, skew: float = 0.0) -> Iterator[NewRecord]:
    """So many records for ``topic``, of calls in turn by chance: values of 350 bytes (± 10), headers of 310.

    With a ``skew`` the calls are not alike: the n-th comes in proportion to ``n ** -skew`` (Zipf).
    """
    chance = random.Random(seed)  # noqa: S311 - the same traffic in every run; nothing is secret
    weights = list(accumulate(rank**-skew for rank in range(1, calls + 1)))
    said = [0] * calls
    for number in range(count):
        call = bisect(weights, chance.random() * weights[-1]) if skew else chance.randrange(calls)
        said[call] += 1
        yield _segment(topic, f"call-{seed}-{call:05}", said[call], number, _text(chance))


def _segment(topic: str, call_id: str, turn: int, number: int, text: str) -> NewRecord:
    role = Role.AGENT if turn % 2 else Role.CUSTOMER
    segment = Segment(
        segment_id=f"{call_id}-{turn}",
        channel=turn % 2,
        role=role,
        start_ms=turn * 4_000,
        end_ms=turn * 4_000 + 3_200,
        text=text,
        confidence=0.91,
    )
    facts = CallFacts(scenario="telecom", language="en", agent="agent-17", team="north", queue="billing")
    payload = TranscriptSegment(call_id=call_id, call=facts, segment=segment, final=True)
    event = message(
        payload,
        id=stable_id("benchmark", call_id, turn),
        source="/convmine/asr",
        time=_BEGIN + timedelta(milliseconds=number),
        subject=call_id,
        tenant_id=_TENANT,
    )
    return write_event(Outbound(topic, event))


def _text(chance: random.Random) -> str:
    words = [chance.choice(_WORDS)]
    while sum(map(len, words)) + len(words) < _LETTERS:
        words.append(chance.choice(_WORDS))
    return " ".join(words)
