import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from speech import RATE_HZ, noise, sample_call

from pipeline.asr.errors import NotThereYet
from pipeline.asr.stage import NO_SPEECH, NO_WORDS, build, check_channels
from pipeline.errors import Poison, Retryable
from pipeline.handling import Handler, Inbound, Outbound, Position
from pipeline.ids import stable_id
from pipeline.ports import ClaimCheck, Recognition, Speech
from pipeline.settings import AudioSettings
from schemas.audio import RecordingAvailable
from schemas.call import CallStarted
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import Payload, Role

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)


class Counting:
    """An engine that says how many spans it has heard, and remembers them."""

    name = "counting"
    sample_rate_hz = RATE_HZ

    def __init__(self, text: str = "span", language: str | None = None) -> None:
        self.text = text
        self.language = language
        self.heard: list[Speech] = []

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        self.heard += speeches
        return [
            Recognition(f"{self.text} of {len(it.samples)}" if self.text else "", 0.5, it.language or self.language)
            for it in speeches
        ]

    async def close(self) -> None:
        """Nothing is held open."""


class Folder:
    """A store of one file, or of an error; counts how often it is asked."""

    def __init__(self, path: Path | Exception) -> None:
        self.path = path
        self.asked: list[ClaimCheck] = []

    def fetch(self, claim: ClaimCheck) -> AbstractAsyncContextManager[Path]:
        return self._fetch(claim)

    @asynccontextmanager
    async def _fetch(self, claim: ClaimCheck) -> AsyncIterator[Path]:
        self.asked.append(claim)
        if isinstance(self.path, Exception):
            raise self.path
        yield self.path


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first eleven seconds of a sample call, in which both sides speak."""
    path = tmp_path_factory.mktemp("recordings") / "call.flac"
    soundfile.write(path, sample_call()[:, : 11 * RATE_HZ].T, RATE_HZ)
    return path


def unmasked(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    del language
    return tuple(segments)


def handler(
    store: Folder, engine: Counting | None = None, *, now: Callable[[], datetime] = lambda: NOON, **others: Any
) -> Handler:
    return build(
        engine=engine or Counting(), store=store, settings=AudioSettings(), now=now, **{"mask": unmasked, **others}
    )


def inbound(payload: Payload, time: datetime = NOON) -> Inbound:
    made = message(payload, id="event-1", source="/test", time=time, subject="call-1", tenant_id="acme")
    return Inbound(made, Position("calls.recordings", 0, 7))


def recording(**fields: Any) -> Inbound:
    return inbound(RecordingAvailable.model_validate({"call_id": "call-1", "dataref": "file:///a.wav", **fields}))


def transcript(outputs: Sequence[Outbound]) -> TranscriptCompleted:
    (output,) = outputs
    assert output.topic == "calls.transcripts.batch"
    assert isinstance(output.message.payload, TranscriptCompleted)
    return output.message.payload


AGENT_FIRST = [{"index": 0, "role": "agent"}, {"index": 1, "role": "customer"}]


async def test_a_call_becomes_segments_in_order_each_with_its_channel_role_and_time(call: Path) -> None:
    engine = Counting()
    event = recording(channels=AGENT_FIRST, revision=3, sha256="a" * 64, call={"language": "en", "agent": "anna"})
    store = Folder(call)

    found = transcript(await handler(store, engine)(event))

    assert store.asked == [ClaimCheck("file:///a.wav", "a" * 64)]
    assert (found.call_id, found.revision, found.engine, found.language) == ("call-1", 3, "counting", "en")
    assert found.call.agent == "anna"
    assert found.duration_ms == 11_000
    assert found.empty_because is None
    assert {segment.role for segment in found.segments} == {Role.AGENT, Role.CUSTOMER}
    assert all((segment.channel == 0) == (segment.role is Role.AGENT) for segment in found.segments)
    order = [(segment.start_ms, segment.channel) for segment in found.segments]
    assert order == sorted(order)
    for segment in found.segments:
        span = (segment.channel, segment.start_ms, segment.end_ms)
        assert segment.segment_id == stable_id("segment", "acme", "call-1", 3, *span)
        assert segment.text == f"span of {len_samples(engine, segment)}"


def len_samples(engine: Counting, segment: Segment) -> int:
    """The length of the heard span that is nearest to the segment's."""
    wanted = (segment.end_ms - segment.start_ms) * RATE_HZ // 1_000
    return min((len(speech.samples) for speech in engine.heard), key=lambda length: abs(length - wanted))


async def test_a_redelivery_publishes_the_very_same_event(call: Path) -> None:
    work = handler(Folder(call))
    first, second = await work(recording()), await work(recording())
    assert first == second
    assert first[0].message.envelope.time == NOON


async def test_channels_that_the_map_leaves_out_have_an_unknown_role(tmp_path: Path, call: Path) -> None:
    only_customer = [{"index": 1, "role": "customer"}]
    found = transcript(await handler(Folder(call))(recording(channels=only_customer)))
    assert {(it.channel, it.role) for it in found.segments} == {(0, Role.UNKNOWN), (1, Role.CUSTOMER)}
    mono = tmp_path / "mono.wav"
    soundfile.write(mono, sample_call()[0, : 5 * RATE_HZ], RATE_HZ)
    found = transcript(await handler(Folder(mono))(recording()))
    assert {(it.channel, it.role) for it in found.segments} == {(0, Role.UNKNOWN)}


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        ([{"index": 2, "role": "agent"}], "names channel 2, the recording has 2"),
        ([{"index": 0, "role": "agent"}, {"index": 0, "role": "customer"}], "an index twice"),
    ],
)
async def test_a_channel_map_that_does_not_fit_is_poison(
    channels: list[dict[str, Any]], reason: str, call: Path
) -> None:
    engine = Counting()
    with pytest.raises(Poison, match=reason):
        await handler(Folder(call), engine)(recording(channels=channels))
    assert engine.heard == []


async def test_a_silent_recording_is_an_empty_transcript_that_says_so(tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    soundfile.write(silent, np.stack([noise(3, -75), np.zeros(3 * RATE_HZ, np.float32)], axis=1), RATE_HZ)
    engine = Counting()
    found = transcript(await handler(Folder(silent), engine)(recording(channels=AGENT_FIRST)))
    assert (found.segments, found.empty_because, found.duration_ms) == ((), NO_SPEECH, 3_000)
    assert engine.heard == []


async def test_spans_without_words_are_dropped_and_a_transcript_of_none_says_so(call: Path) -> None:
    found = transcript(await handler(Folder(call), Counting(text=""))(recording()))
    assert (found.segments, found.empty_because) == ((), NO_WORDS)


async def test_a_call_without_consent_is_neither_fetched_nor_decoded(call: Path) -> None:
    store = Folder(call)
    assert await handler(store)(recording(call={"consent": False})) == ()
    assert store.asked == []
    assert transcript(await handler(store)(recording(call={"consent": True}))).segments


async def test_other_events_on_the_topic_are_passed_over(call: Path) -> None:
    store = Folder(call)
    assert await handler(store)(inbound(CallStarted(call_id="call-1"))) == ()
    assert store.asked == []


async def test_a_recording_that_is_not_there_is_retried_until_its_deadline_and_then_poison() -> None:
    store = Folder(NotThereYet("a.wav cannot be read: No such file"))
    deadline = NOON + timedelta(seconds=AudioSettings().arrival_deadline_s)
    with pytest.raises(NotThereYet):
        await handler(store, now=lambda: deadline)(recording())
    with pytest.raises(Poison, match=r"still not there 601 s after it was announced: a\.wav cannot be read"):
        await handler(store, now=lambda: deadline + timedelta(seconds=1))(recording())


async def test_an_outage_of_the_store_is_never_poison_however_old_the_event_is() -> None:
    store = Folder(Retryable("answered 503", dependency="audio store"))
    with pytest.raises(Retryable):
        await handler(store, now=lambda: NOON + timedelta(days=3))(recording())


async def test_the_language_comes_from_the_event_or_from_the_longest_span_for_all_others(call: Path) -> None:
    engine = Counting(language="de")
    found = transcript(await handler(Folder(call), engine)(recording()))
    first, *others = engine.heard
    assert found.language == "de"
    assert first.language is None
    assert {speech.language for speech in others} == {"de"}
    assert all(len(speech.samples) <= len(first.samples) for speech in others)
    assert [segment.start_ms for segment in found.segments] == sorted(segment.start_ms for segment in found.segments)


async def test_segments_are_masked_before_they_leave_with_the_calls_language(call: Path) -> None:
    seen: list[str | None] = []

    def mask(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
        seen.append(language)
        return tuple(segment.model_copy(update={"text": "[masked]"}) for segment in segments)

    found = transcript(await handler(Folder(call), mask=mask)(recording(call={"language": "zh"})))
    assert {segment.text for segment in found.segments} == {"[masked]"}
    assert seen == ["zh"]


async def test_the_default_scenario_is_for_calls_that_name_none(call: Path) -> None:
    work = handler(Folder(call), default_scenario="telecom")
    assert transcript(await work(recording())).call.scenario == "telecom"
    assert transcript(await work(recording(call={"scenario": "other"}))).call.scenario == "other"


async def test_an_engine_at_another_rate_is_given_its_own(call: Path) -> None:
    engine = Counting()
    engine.sample_rate_hz = 8_000
    await handler(Folder(call), engine)(recording())
    half = [len(speech.samples) for speech in engine.heard]
    other = Counting()
    await handler(Folder(call), other)(recording())
    assert half == [pytest.approx(len(speech.samples) / 2, abs=1) for speech in other.heard]
    assert {speech.sample_rate_hz for speech in engine.heard} == {8_000}


async def test_no_more_recordings_are_in_memory_at_once_than_allowed(call: Path) -> None:
    inside, most = 0, 0

    class Slow(Counting):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            return await super().recognise(speeches)

    work = handler(Folder(call), Slow(), at_once=1)
    event = recording(call={"language": "en"})
    await asyncio.gather(*(work(replace(event, position=Position("calls.recordings", 0, n))) for n in range(3)))
    assert most == 1


@given(indexes=st.sets(st.integers(0, 31), max_size=6), channels=st.integers(1, 32))
def test_a_map_fits_exactly_if_all_its_channels_are_there(indexes: set[int], channels: int) -> None:
    roles = dict.fromkeys(indexes, Role.AGENT)
    if all(index < channels for index in indexes):
        check_channels(roles, channels)
    else:
        with pytest.raises(Poison):
            check_channels(roles, channels)
