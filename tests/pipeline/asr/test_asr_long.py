"""What the asr stage does with recordings that are long, hold many conversations, or come twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import soundfile
import structlog
from speech import RATE_HZ, noise, sample_call

from pipeline.asr import stage
from pipeline.asr.stage import Aids, build
from pipeline.errors import Poison, Retryable
from pipeline.handling import Handler, Inbound, Outbound, Position
from pipeline.ports import ClaimCheck, Recognition, Samples, SpeakerTurn, Speech, TimedWord
from pipeline.settings import AudioSettings
from pipeline.testing import InMemoryResponseCache
from schemas.audio import RecordingAvailable
from schemas.envelope import message
from schemas.transcript import MaskedSpan, Segment, TranscriptCompleted
from schemas.wire import Role

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
BOTH = [{"index": 0, "role": "agent"}, {"index": 1, "role": "customer"}]


class Mortal:
    """An engine that dies after so many portions; it hears how long each span is, and counts the spans."""

    name = "mortal"
    sample_rate_hz = RATE_HZ

    def __init__(self, portions: int = 1_000, language: str | None = None) -> None:
        self.portions = portions
        self.language = language
        self.heard: list[Speech] = []

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        if self.portions == 0:
            raise Retryable("the device is away", dependency="gpu")
        self.portions -= 1
        self.heard += speeches
        return [
            Recognition(f"n{len(it.samples)}", language=it.language or self.language, words=(TimedWord("n", 0, 50),))
            for it in speeches
        ]

    async def close(self) -> None:
        """Nothing is held open."""

    @property
    def lengths(self) -> list[int]:
        return [len(it.samples) for it in self.heard]


class OneFile:
    """A store of one file that counts how often it is fetched."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fetched = 0

    def fetch(self, claim: ClaimCheck) -> AbstractAsyncContextManager[Path]:
        del claim
        return self._fetch()

    @asynccontextmanager
    async def _fetch(self) -> AsyncIterator[Path]:
        self.fetched += 1
        yield self.path


def unmasked(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    del language
    return tuple(segments)


def handler(path: Path, engine: Mortal, *, split_silence_s: float = 60.0, **others: Any) -> Handler:
    aids = Aids(**{"cache": InMemoryResponseCache(), "keep_from_s": 0.0, "portion_spans": 2, **others})
    return build(
        engine=engine,
        store=OneFile(path),
        settings=AudioSettings(split_silence_s=split_silence_s, max_duration_s=90),
        now=lambda: NOON,
        mask=unmasked,
        aids=aids,
    )


def recording(id_: str = "event-1", *, tenant: str = "acme", **fields: Any) -> Inbound:
    payload = RecordingAvailable.model_validate({"call_id": "call-1", "dataref": "file:///a.wav", **fields})
    made = message(payload, id=id_, source="/test", time=NOON, subject=payload.call_id, tenant_id=tenant)
    return Inbound(made, Position("calls.recordings", 0, 7))


def transcript(outputs: Sequence[Outbound]) -> TranscriptCompleted:
    (output,) = outputs
    assert isinstance(output.message.payload, TranscriptCompleted)
    return output.message.payload


def written(path: Path, samples: Samples) -> Path:
    soundfile.write(path, samples.T, RATE_HZ)
    return path


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty seconds of a sample call, in which both sides speak."""
    return written(tmp_path_factory.mktemp("recordings") / "call.flac", sample_call()[:, : 40 * RATE_HZ])


@pytest.mark.parametrize("language", [None, "en"])
async def test_after_a_kill_only_the_spans_are_heard_that_no_answer_had_come_for(
    call: Path, language: str | None
) -> None:
    event = recording(call={"language": language})
    whole, first, second = Mortal(language="de"), Mortal(2, language="de"), Mortal(language="de")
    cache = InMemoryResponseCache()

    expected = transcript(await handler(call, whole)(event))
    with pytest.raises(Retryable):
        await handler(call, first, cache=cache)(event)
    found = transcript(await handler(call, second, cache=cache)(event))

    assert found == expected
    assert len(first.heard) >= 2
    assert len(second.heard) >= 2
    assert sorted(first.lengths + second.lengths) == sorted(whole.lengths)
    assert {subject for _, subject, _ in cache.kept.values()} == {"acme:call-1"}


@pytest.mark.parametrize(
    "other",
    [
        {"tenant": "other"},
        {"call_id": "call-2"},
        {"call": {"language": "de"}},
        {"sha256": "b" * 64},
        {"extent": {"start_ms": 0, "end_ms": 39_999}},
    ],
    ids=["tenant", "call", "language", "bytes", "extent"],
)
async def test_what_was_kept_of_a_recording_is_of_no_use_for_any_other(call: Path, other: dict[str, Any]) -> None:
    cache = InMemoryResponseCache()
    with pytest.raises(Retryable):
        await handler(call, Mortal(2), cache=cache)(recording(call={"language": "en"}, sha256="a" * 64))
    fields: dict[str, Any] = {"call": {"language": "en"}, "sha256": "a" * 64, **other}
    engine, whole = Mortal(), Mortal()
    await handler(call, engine, cache=cache)(recording(**fields))
    await handler(call, whole)(recording(**fields))
    assert engine.lengths == whole.lengths


async def test_another_engine_or_another_vocabulary_hears_all_again(call: Path) -> None:
    cache = InMemoryResponseCache()
    event = recording(call={"language": "en"})
    with pytest.raises(Retryable):
        await handler(call, Mortal(2), cache=cache)(event)
    whole, renamed, prompted = Mortal(), Mortal(), Mortal()
    await handler(call, whole)(event)
    renamed.name = "other"
    await handler(call, renamed, cache=cache)(event)
    await handler(call, prompted, cache=cache, vocabulary=lambda *_: ("Family Plan",))(event)
    assert renamed.lengths == whole.lengths
    assert prompted.lengths == whole.lengths
    assert {it.vocabulary for it in prompted.heard} == {("Family Plan",)}


async def test_spans_of_a_short_recording_are_not_kept(call: Path) -> None:
    cache = InMemoryResponseCache()
    with pytest.raises(Retryable):
        await handler(call, Mortal(2), cache=cache, keep_from_s=41.0)(recording())
    assert cache.kept == {}


async def test_the_engine_is_given_portions_and_the_vocabulary_of_the_language_it_told(call: Path) -> None:
    sizes: list[int] = []

    class Sizing(Mortal):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            sizes.append(len(speeches))
            return await super().recognise(speeches)

    def vocabulary(scenario: str | None, language: str | None) -> tuple[str, ...]:
        return (f"{scenario} {language}",)

    engine = Sizing(language="de")
    found = transcript(
        await handler(call, engine, vocabulary=vocabulary, portion_spans=3)(recording(call={"scenario": "telecom"}))
    )
    assert sizes[0] == 1
    assert set(sizes[1:-1]) == {3}
    assert sum(sizes) == len(found.segments)
    assert engine.heard[0].vocabulary == ("telecom None",)
    assert {it.vocabulary for it in engine.heard[1:]} == {("telecom de",)}


async def test_a_second_upload_of_the_same_bytes_is_not_transcribed_again_but_has_its_own_facts(call: Path) -> None:
    cache = InMemoryResponseCache()
    engine = Mortal()
    work = handler(call, engine, cache=cache, keep_from_s=1_000.0)
    first = await work(recording("event-1", call={"agent": "anna"}))
    heard = len(engine.heard)
    second = await work(recording("event-2", call={"agent": "berta"}))
    assert len(engine.heard) == heard
    assert transcript(second).segments == transcript(first).segments
    assert transcript(second).call.agent == "berta"
    assert second[0].message.envelope.id != first[0].message.envelope.id


async def test_the_same_event_again_and_a_new_revision_are_transcribed_anew(call: Path) -> None:
    cache = InMemoryResponseCache()
    engine = Mortal()
    work = handler(call, engine, cache=cache, keep_from_s=1_000.0)
    first = await work(recording("event-1"))
    spans = len(engine.heard)
    assert await work(recording("event-1")) == first
    assert len(engine.heard) == 2 * spans
    await work(recording("event-3", revision=2))
    assert len(engine.heard) == 3 * spans


async def test_what_is_kept_of_a_transcript_is_masked(call: Path) -> None:
    cache = InMemoryResponseCache()

    def mask(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
        del language
        span = MaskedSpan(kind="card", start_ms=1_000, end_ms=1_250)
        return tuple(it.model_copy(update={"text": "[CARD]", "words": (), "masked": (span,)}) for it in segments)

    work = build(
        engine=Mortal(),
        store=OneFile(call),
        settings=AudioSettings(),
        now=lambda: NOON,
        mask=mask,
        aids=Aids(cache=cache),
    )
    found = transcript(await work(recording()))
    (kept,) = (answer.text for answer, _, _ in cache.kept.values())
    assert "[CARD]" in kept
    assert '"n' not in kept
    assert found.hearing is not None
    assert found.hearing.masked_ms == 250 * len({it.channel for it in found.segments})


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three conversations of eight seconds with 32 s of silence between and after them: 120 s."""
    talk, silence = sample_call()[:, : 8 * RATE_HZ], np.stack([noise(32, -75), noise(32, -75, seed=1)])
    return written(tmp_path_factory.mktemp("shifts") / "shift.flac", np.concatenate([talk, silence] * 3, axis=1))


def conversations(outputs: Sequence[Outbound]) -> list[RecordingAvailable]:
    assert {output.topic for output in outputs} == {"calls.recordings"}
    found = [output.message.payload for output in outputs]
    assert all(output.message.envelope.subject == it.call_id for output, it in zip(outputs, found, strict=True))  # type: ignore[attr-defined]  # checked next
    assert all(isinstance(it, RecordingAvailable) for it in found)
    return found  # type: ignore[return-value]  # as just checked


async def test_a_shift_becomes_an_event_for_each_conversation_the_same_each_time(shift: Path) -> None:
    engine = Mortal()
    work = handler(shift, engine, split_silence_s=20)
    event = recording(channels=BOTH, split="silence", call={"agent": "anna"})
    outputs = await work(event)
    found = conversations(outputs)
    assert [it.call_id for it in found] == ["call-1.001", "call-1.002", "call-1.003"]
    assert [it.extent and it.extent.start_ms // 1_000 for it in found] == [0, 39, 79]
    assert {(it.part_of, it.split, it.call.agent) for it in found} == {("call-1", None, "anna")}
    assert engine.heard == []
    assert await work(event) == outputs


async def test_a_conversation_of_a_shift_has_the_words_and_the_times_of_that_conversation(shift: Path) -> None:
    work = handler(shift, Mortal(), split_silence_s=20)
    (first, second, _) = conversations(await work(recording(channels=BOTH, split="silence")))
    texts = []
    for child in (first, second):
        found = transcript(await work(recording(**child.model_dump(mode="json"))))
        assert found.call_id == child.call_id
        assert child.extent is not None
        assert found.duration_ms == child.extent.end_ms - child.extent.start_ms
        texts.append([(it.role, it.start_ms) for it in found.segments])
    shifts = {two[1] - one[1] for one, two in zip(*texts, strict=True)}
    assert [role for role, _ in texts[0]] == [role for role, _ in texts[1]]
    assert max(shifts) - min(shifts) < 100  # the second begins with a second of silence


async def test_markers_cut_a_shift_and_parts_without_speech_are_no_calls(shift: Path) -> None:
    event = recording(split="markers", markers_ms=[10_000, 30_000, 70_000])
    found = conversations(await handler(shift, Mortal())(event))
    extents = [(it.extent.start_ms, it.extent.end_ms) for it in found if it.extent]
    assert extents == [(0, 10_000), (30_000, 70_000), (70_000, 120_000)]


async def test_a_shift_may_be_longer_than_a_conversation_and_one_without_speech_has_none(
    tmp_path: Path, shift: Path
) -> None:
    with pytest.raises(Poison, match="longer than the 90 s of CONVMINE_AUDIO_MAX_DURATION_S"):
        await handler(shift, Mortal())(recording())
    assert await handler(shift, Mortal())(recording(split="silence"))
    silent = written(tmp_path / "silent.flac", np.stack([noise(20, -75)]))
    with structlog.testing.capture_logs() as logs:
        assert await handler(silent, Mortal())(recording(split="silence")) == ()
    assert [(it["event"], it["conversations"]) for it in logs] == [("recording.split", 0)]


async def test_dual_mono_and_a_dead_channel_are_said_and_not_heard_twice(tmp_path: Path) -> None:
    mixed = sample_call()[:, : 20 * RATE_HZ].sum(axis=0) / 2
    path = written(tmp_path / "dual.flac", np.stack([mixed, mixed, np.zeros_like(mixed)]))
    mono = written(tmp_path / "mono.flac", mixed[np.newaxis])
    engine, once = Mortal(), Mortal()
    with structlog.testing.capture_logs() as logs:
        found = transcript(await handler(path, engine)(recording(channels=BOTH, sha256="a" * 64)))
    await handler(mono, once)(recording())
    assert engine.lengths == once.lengths
    assert [(it.channel, it.state, it.same_as) for it in found.channel_health] == [
        (0, "ok", None),
        (1, "duplicate", 0),
        (2, "dead", None),
    ]
    assert {(it.channel, it.role) for it in found.segments} == {(0, Role.UNKNOWN)}
    spoken = sum(it.end_ms - it.start_ms for it in found.segments)
    assert found.channel_health[0].spoken_ms == spoken
    assert found.hearing is not None
    assert (found.hearing.heard_ms, found.hearing.spoken_ms, found.hearing.cut_ms) == (60_000, spoken, 0)
    (line,) = logs
    assert (line["event"], line["call_id"], line["heard_ms"]) == ("recording.heard", "call-1", 60_000)
    assert line["channels"] == ["ok", "duplicate", "dead"]


async def test_phantoms_are_left_out_and_counted_by_reason(call: Path) -> None:
    class Talkative(Mortal):
        async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
            heard = await super().recognise(speeches)
            return [replace(heard[0], text="", cut="no_speech"), *heard[1:]]

    found = transcript(await handler(call, Talkative(), portion_spans=1_000)(recording(call={"language": "en"})))
    assert found.hearing is not None
    assert found.hearing.cuts == {"no_speech": found.hearing.cut_ms}
    assert found.hearing.cut_ms > 0
    assert found.hearing.spoken_ms - found.hearing.cut_ms == sum(it.end_ms - it.start_ms for it in found.segments)


class Alternating:
    """A diariser that hears another speaker every second."""

    name = "alternating"

    def __init__(self) -> None:
        self.asked = 0

    async def turns(self, samples: Samples, sample_rate_hz: int) -> list[SpeakerTurn]:
        self.asked += 1
        seconds = len(samples) // sample_rate_hz
        return [SpeakerTurn(at % 2, at * 1_000, (at + 1) * 1_000) for at in range(seconds)]

    async def close(self) -> None:
        """Nothing is held open."""


async def test_mono_of_two_speakers_is_cut_at_their_turns_and_roles_stay_unknown(tmp_path: Path, call: Path) -> None:
    mono = written(tmp_path / "mono.flac", sample_call()[:, : 20 * RATE_HZ].sum(axis=0)[np.newaxis] / 2)
    diariser = Alternating()
    parted = transcript(await handler(mono, Mortal(), diariser=diariser)(recording()))
    whole = transcript(await handler(mono, Mortal())(recording()))
    assert len(parted.segments) > len(whole.segments)
    assert {it.role for it in parted.segments} == {Role.UNKNOWN}
    assert max(it.end_ms - it.start_ms for it in parted.segments) < 2_000
    assert diariser.asked == 1
    await handler(call, Mortal(), diariser=diariser)(recording())
    await handler(mono, Mortal(), diariser=diariser)(recording(channels=BOTH[:1]))
    assert diariser.asked == 1  # two channels, or one whose speaker is known, need none


async def test_a_handler_that_is_cancelled_does_not_go_on_decoding(call: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = Event(), Event()

    def endless(path: Path, *, stop: Event, **others: Any) -> None:
        began.set()
        if stop.wait(30):
            ended.set()

    monkeypatch.setattr(stage, "spool", endless)
    work = asyncio.ensure_future(handler(call, Mortal())(recording()))
    assert await asyncio.to_thread(began.wait, 30)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert await asyncio.to_thread(ended.wait, 30)
