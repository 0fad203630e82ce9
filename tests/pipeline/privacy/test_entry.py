from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipeline.handling import Inbound, Outbound, Position
from pipeline.privacy.entry import REACH_MS, guarded, masked_among
from pipeline.privacy.masking import mask
from schemas.call import CallEnded
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallEvent, CallFacts, Role

SAID = ("my card is four one one one one one one one one one one one one one one one", "call me at 555 0142 777", "ok")
WORDS = st.sampled_from(
    ["four", "double", "seven", "one", "oh", "42", "[CARD]", "at", "dot", "com", "一三八", "my", "。"]
)


class Seen:
    """A handler that remembers what it was given."""

    def __init__(self) -> None:
        self.payloads: list[object] = []

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        self.payloads.append(inbound.payload)
        return ()


def inbound(payload: CallEvent) -> Inbound:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    envelope = message(payload, id="1", source="/test", time=at, subject=payload.call_id, tenant_id="t")
    return Inbound(envelope, Position("calls.transcripts.batch", 0, 0))


def segments(texts: Sequence[str]) -> tuple[Segment, ...]:
    return tuple(
        Segment(segment_id=str(n), role=Role.CUSTOMER, start_ms=n * 1_000, end_ms=n * 1_000 + 900, text=text)
        for n, text in enumerate(texts)
    )


def transcript(*, consent: bool | None = None) -> TranscriptCompleted:
    return TranscriptCompleted(
        call_id="c",
        call=CallFacts(consent=consent),
        duration_ms=3_000,
        engine="text",
        language="en",
        segments=segments(SAID),
    )


async def test_a_transcript_that_somebody_else_published_is_masked_before_it_is_mined() -> None:
    seen = Seen()
    await guarded(seen)(inbound(transcript()))
    (payload,) = seen.payloads
    assert isinstance(payload, TranscriptCompleted)
    assert [segment.text for segment in payload.segments] == ["my card is [CARD]", "call me at [PHONE]", "ok"]


async def test_a_conversation_without_consent_is_not_mined() -> None:
    seen = Seen()
    assert await guarded(seen)(inbound(transcript(consent=False))) == ()
    assert seen.payloads == []


async def test_other_events_pass_as_they_are() -> None:
    seen, ended = Seen(), CallEnded(call_id="c")
    await guarded(seen)(inbound(ended))
    assert seen.payloads == [ended]


@given(st.lists(st.lists(WORDS, max_size=12).map(" ".join), max_size=4))
def test_masking_twice_changes_nothing(texts: list[str]) -> None:
    once = mask(segments(texts), "en")
    assert mask(once, "en") == once


def test_a_segment_of_a_live_call_is_masked_in_the_words_around_it() -> None:
    question, digits, far = segments(["my card is 4111 1111", "1111 1111", "1111"])
    far = far.model_copy(update={"start_ms": 10 * REACH_MS, "end_ms": 10 * REACH_MS})
    changed = masked_among(digits, [far, question], "en")
    assert [(one.segment_id, one.text) for one in changed] == [("0", "my card is [CARD]"), ("1", "[CARD]")]
    assert masked_among(far, [question, digits], "en") == (far,)
