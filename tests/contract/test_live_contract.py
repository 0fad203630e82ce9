"""What the runtime promises stages that hold events and remember calls, asked of both transports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel
from transports import InProcessTransport, KafkaTransport, Transport, Worker

from pipeline.errors import Retryable
from pipeline.handling import Handled, Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.stages import AUDIO, Stage, stage_named, transcripts
from schemas.audio import AudioChunk, Encoding, RawFormat
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptSegment
from schemas.wire import Channel, Lane, Role
from workers.limits import Limits
from workers.measures import Measures
from workers.outcomes import RetryPolicy
from workers.records import NewRecord, chunk_record

FOUND = stage_named("asr", Lane.LIVE)
assert FOUND is not None
STAGE: Stage = FOUND
OUT = transcripts(Lane.LIVE)
LIMITS = Limits(in_flight=8, window=100, policy=RetryPolicy(first_s=0.01, longest_s=0.02, attempts=3))
AT = datetime(2026, 1, 1, tzinfo=UTC)


def word(call: str, number: int, said: str) -> NewRecord:
    """A chunk whose audio is a word; a word with a full stop ends its utterance."""
    chunk = AudioChunk(
        call_id=call,
        sequence=number,
        offset_ms=number * 100,
        raw=RawFormat(encoding=Encoding.L16, sample_rate_hz=8_000, channels=1),
        channels=(Channel(index=0, role=Role.CUSTOMER),),
    )
    envelope = message(chunk, id=f"{call}-{number}", source="/test", time=AT, subject=call, tenant_id="t")
    return chunk_record(AUDIO, envelope, said.encode())


def speech(call: str, text: str) -> list[NewRecord]:
    return [word(call, number, said) for number, said in enumerate(text.split())]


class Heard(BaseModel):
    """What is remembered: how many words are out, and in how many segments."""

    words: int = 0
    segments: int = 0


@dataclass
class _Pending:
    sequence: int
    offset: int
    word: str


class Listener:
    """A stage as live recognition is one: words are in memory alone until their utterance is out."""

    remembers = Heard

    def __init__(self) -> None:
        self._pending: dict[tuple[int, str], list[_Pending]] = {}
        self.let_go_of: list[str] = []
        self.before_segment: Callable[[], Awaitable[None]] | None = None

    async def __call__(self, inbound: Inbound, state: Heard | None) -> Handled[Heard]:
        chunk, place = inbound.payload, inbound.position
        assert isinstance(chunk, AudioChunk)
        state = state or Heard()
        pending = self._pending.setdefault((place.partition, f"t:{chunk.call_id}"), [])
        known = [it for it in pending if it.sequence != chunk.sequence]
        if chunk.sequence >= state.words:
            known.append(_Pending(chunk.sequence, place.offset, inbound.body.decode()))
        if not known or not known[-1].word.endswith("."):
            pending[:] = known
            return Handled(held_from=known[0].offset if known else None)
        if self.before_segment is not None:
            await self.before_segment()
        pending.clear()
        return self._cut(chunk.call_id, known, state)

    async def let_go(self, key: str, state: Heard | None) -> Handled[Heard]:
        self.let_go_of.append(key)
        pending = next(words for (_partition, call), words in self._pending.items() if call == key)
        words = list(pending)
        pending.clear()
        return self._cut(key.removeprefix("t:"), words, state or Heard())

    def forget(self, partition: int) -> None:
        for place in [place for place in self._pending if place[0] == partition]:
            del self._pending[place]

    @staticmethod
    def _cut(call: str, words: list[_Pending], state: Heard) -> Handled[Heard]:
        text = " ".join(it.word for it in words)
        segment = Segment(segment_id=f"{call}-{state.segments}", role=Role.CUSTOMER, start_ms=0, end_ms=0, text=text)
        payload = TranscriptSegment(call_id=call, segment=segment, final=True)
        out = message(
            payload, id=stable_id("out", call, state.segments), source="/t", time=AT, subject=call, tenant_id="t"
        )
        after = Heard(words=words[-1].sequence + 1, segments=state.segments + 1)
        return Handled((Outbound(OUT, out),), after)


@pytest.fixture(params=["in process", "kafka"])
def transport(request: pytest.FixtureRequest) -> Transport:
    if request.param == "kafka":
        return KafkaTransport(request.getfixturevalue("kafka_settings"))
    return InProcessTransport()


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.05)


async def texts(transport: Transport) -> dict[str, list[str]]:
    """What each call said, each event once, in the order of the topic."""
    heard: dict[str, dict[bytes, str]] = {}
    for record in await transport.records(OUT):
        value = json.loads(record.value or b"")
        heard.setdefault(value["call_id"], {})[dict(record.headers)["ce_id"]] = value["segment"]["text"]
    return {call: list(segments.values()) for call, segments in heard.items()}


class Started:
    """A worker with a measured number of chunks behind it."""

    def __init__(self, transport: Transport, listener: Listener, limits: Limits = LIMITS) -> None:
        self.measures = Measures()
        self.worker: Worker = transport.worker(STAGE, listener, limits, self.measures)

    async def has_heard(self, count: int) -> None:
        """So many events were handled or repeated; that a call was let go counts as one more that was handled."""

        async def enough() -> bool:
            return sum(self.measures.counted(STAGE, outcome) for outcome in ("handled", "repeated")) >= count

        await until(enough)


async def test_a_held_event_is_acknowledged_when_its_utterance_is_out(transport: Transport) -> None:
    await transport.publish(speech("a", "good morning"))
    started = Started(transport, Listener())
    await started.worker.start()
    await started.has_heard(2)
    await started.worker.stop(5)
    assert await transport.committed(STAGE) == 0
    await transport.publish([word("a", 2, "sir.")])
    second = Started(transport, Listener())
    await second.worker.start()
    await second.has_heard(3)
    await second.worker.stop(5)
    assert await transport.committed(STAGE) == 3
    assert await texts(transport) == {"a": ["good morning sir."]}


async def test_a_window_smaller_than_an_utterance_never_waits_for_itself(transport: Transport) -> None:
    listener = Listener()
    said = "one two three four five six seven eight nine ten."
    await transport.publish([*speech("a", said), *speech("b", said)])
    started = Started(transport, listener, replace(LIMITS, window=4))
    await started.worker.start()

    async def all_is_said() -> bool:
        heard = await texts(transport)
        return {call: " ".join(segments) for call, segments in heard.items()} == {"a": said, "b": said}

    await until(all_is_said)
    await started.worker.stop(5)
    assert await all_is_said(), "something was said twice"
    assert listener.let_go_of, "nothing was let go"
    assert await transport.committed(STAGE) == 20


async def test_a_successor_says_what_a_killed_worker_held_and_nothing_twice(transport: Transport) -> None:
    await transport.publish(speech("a", "one two. three four"))
    first = Started(transport, Listener())
    await first.worker.start()
    await first.has_heard(4)
    await first.worker.stop(0)
    await transport.publish([word("a", 4, "five."), word("a", 5, "six.")])
    second = Started(transport, Listener())
    await second.worker.start()
    await second.has_heard(4)
    await second.worker.stop(5)
    assert await texts(transport) == {"a": ["one two.", "three four five.", "six."]}
    assert await transport.committed(STAGE) == 6


async def test_an_event_published_twice_is_applied_once(transport: Transport) -> None:
    await transport.publish([word("a", 0, "one."), word("a", 0, "one."), word("a", 1, "two.")])
    started = Started(transport, Listener())
    await started.worker.start()
    await started.has_heard(3)
    await started.worker.stop(5)
    assert started.measures.counted(STAGE, "repeated") == 1
    assert len(await transport.records(OUT)) == 2


async def test_a_call_of_which_nothing_more_comes_is_let_go(transport: Transport) -> None:
    await transport.publish(speech("a", "hello is"))
    started = Started(transport, Listener(), replace(LIMITS, hold_s=0.4))
    await started.worker.start()

    async def said() -> bool:
        return await texts(transport) == {"a": ["hello is"]}

    await until(said)
    await started.worker.stop(5)
    assert await transport.committed(STAGE) == 2


async def test_what_fails_while_events_are_held_is_tried_again_and_loses_nothing(transport: Transport) -> None:
    listener, failures = Listener(), 3

    async def fail_at_first() -> None:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise Retryable("busy", dependency="engine")

    listener.before_segment = fail_at_first
    await transport.publish(speech("a", "one two. three."))
    started = Started(transport, listener)
    await started.worker.start()
    await started.has_heard(3)
    await started.worker.stop(5)
    assert await texts(transport) == {"a": ["one two.", "three."]}


async def test_a_chunk_that_cannot_be_read_leaves_what_is_held(transport: Transport) -> None:
    odd = word("a", 1, "?")
    odd = NewRecord(odd.topic, odd.key, odd.value, tuple(it for it in odd.headers if it[0] != "convmine-chunk"))
    await transport.publish([word("a", 0, "one"), odd])
    started = Started(transport, Listener())
    await started.worker.start()

    async def dead() -> bool:
        return bool(await transport.records(STAGE.dead_letters(AUDIO)))

    await until(dead)
    assert await transport.committed(STAGE) == 0
    await transport.publish([word("a", 2, "two.")])
    await started.has_heard(2)
    await started.worker.stop(5)
    assert await texts(transport) == {"a": ["one two."]}
    assert await transport.committed(STAGE) == 3
