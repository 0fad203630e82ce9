from __future__ import annotations

import os

import pytest
from live_events import said
from mined_calls import FACTS, START, TENANT, inbound, transcript

from pipeline.ports import VectorStore
from pipeline.store import calls
from pipeline.store.known import Unknown
from pipeline.store.stage import build
from schemas.transcript import MaskedSpan, TranscriptCompleted, Word
from schemas.wire import Role

pytestmark = pytest.mark.parametrize(
    "store", ["memory", "local", *(["server"] if os.environ.get("QDRANT_URL") else [])], indirect=True
)


def with_times() -> TranscriptCompleted:
    """A transcript whose first turn has the times of its words, and of what is masked."""
    whole = transcript("k1", ((Role.AGENT, "it is [CARD]"), (Role.CUSTOMER, "thanks")))
    first = whole.segments[0].model_copy(
        update={
            "channel": 1,
            "confidence": 0.5,
            "words": (
                Word(text="it", start_ms=0, end_ms=200),
                Word(text="is", start_ms=200, end_ms=400),
                Word(text="[CARD]", start_ms=500, end_ms=4_000),
            ),
            "masked": (MaskedSpan(kind="card", start_ms=500, end_ms=4_000),),
        }
    )
    return whole.model_copy(update={"segments": (first, whole.segments[1])})


async def test_a_transcript_is_read_back_with_the_times_of_words_and_of_what_is_masked(store: VectorStore) -> None:
    await build(store=store)(inbound(with_times()))
    found = await calls.transcript(store, "k1", tenant_id=TENANT)
    assert found.segments == with_times().segments
    assert (found.started_at, found.language, found.agent, found.customer_id) == (
        START,
        "en",
        FACTS.agent,
        FACTS.customer_id,
    )
    assert found.duration_ms == 9_000


async def test_words_of_a_live_call_that_turn_out_to_be_a_number_are_not_stored(store: VectorStore) -> None:
    index = build(store=store)
    digits = tuple(Word(text=word, start_ms=5_000 + n * 500, end_ms=5_400 + n * 500) for n, word in enumerate(PIECE))
    first = said(1, " ".join(PIECE))
    timed = first.model_copy(update={"segment": first.segment.model_copy(update={"words": digits})})
    for event in (timed, said(2, "1111 1111 1111")):
        await index(inbound(event))
    found = await calls.transcript(store, "c1", tenant_id=TENANT)
    assert [one.text for one in found.segments] == ["my card is [CARD]", "[CARD]"]
    assert [word.text for word in found.segments[0].words] == ["my", "card", "is", "[CARD]"]
    assert [(span.kind, span.start_ms >= 6_000) for span in found.segments[0].masked] == [("card", True)]
    assert found.segments[1].masked


async def test_a_call_that_is_not_there_is_unknown(store: VectorStore) -> None:
    with pytest.raises(Unknown, match="no call named 'k9'"):
        await calls.transcript(store, "k9", tenant_id=TENANT)


PIECE = ("my", "card", "is", "4111")
