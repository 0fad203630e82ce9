"""Live calls for tests: their events, and a worker that delivers them as the runtime does, killed where a test says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from hashlib import sha256

import numpy as np

from pipeline.asr.live_state import LiveCall
from pipeline.asr.streaming_vad import Detector, Detectors
from pipeline.asr.vad import Probabilities
from pipeline.errors import Poison, Retryable
from pipeline.handling import Handled, Holding, Inbound, Outbound, Position
from pipeline.ports import Recognition, Samples, Speech
from schemas.audio import AudioChunk, Encoding, RawFormat
from schemas.call import CallEnded, CallStarted
from schemas.envelope import message
from schemas.transcript import Segment, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Channel, Role

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
CALL = "c-1"
KEY = f"acme:{CALL}"
CHANNELS = (Channel(index=0, role=Role.AGENT), Channel(index=1, role=Role.CUSTOMER))


@dataclass(frozen=True)
class Event:
    """One event of the call, before it has an offset; ``id`` is that of an event that is published twice."""

    payload: CallEvent
    body: bytes = b""
    id: str | None = None


def inbound(event: Event, offset: int, partition: int = 0) -> Inbound:
    payload = event.payload
    envelope = message(
        payload,
        id=event.id or f"e-{offset}",
        source="/pbx",
        time=NOON,
        subject=payload.call_id,
        tenant_id="acme",
    )
    return Inbound(envelope, Position("calls.audio", partition, offset), event.body)


def chunk(samples: Samples, sequence: int, offset_ms: int, raw: RawFormat, big_endian: bool = False) -> Event:  # noqa: FBT001, FBT002 - a test reads well with it
    """A chunk of audio of shape (channels, frames)."""
    pcm = (np.clip(samples, -1, 1) * 32_767).round().astype(np.int16).T
    if raw.encoding is Encoding.L16:
        body = pcm.astype(">i2" if big_endian else "<i2").tobytes()
    else:
        body = _companded(pcm.ravel(), raw.encoding)
    channels = CHANNELS[: raw.channels]
    return Event(AudioChunk(call_id=CALL, sequence=sequence, offset_ms=offset_ms, raw=raw, channels=channels), body)


def _companded(pcm: np.ndarray[tuple[int], np.dtype[np.int16]], encoding: Encoding) -> bytes:
    """By the nearest value of the decoder, whatever that is."""
    import io

    import soundfile

    buffer = io.BytesIO()
    subtype = "ULAW" if encoding is Encoding.PCMU else "ALAW"
    soundfile.write(buffer, pcm, 8_000, format="RAW", subtype=subtype)
    return buffer.getvalue()


def chunks(samples: Samples, raw: RawFormat, lengths_ms: Sequence[int], big_endian: bool = False) -> list[Event]:  # noqa: FBT001, FBT002 - see above
    """The audio in chunks of these lengths, over and over."""
    found: list[Event] = []
    at_ms, per_ms = 0, raw.sample_rate_hz // 1_000
    while at_ms * per_ms < samples.shape[1]:
        length = lengths_ms[len(found) % len(lengths_ms)]
        piece = samples[:, at_ms * per_ms : (at_ms + length) * per_ms]
        found.append(chunk(piece, len(found), at_ms, raw, big_endian))
        at_ms += length
    return found


def whole_call(events: Sequence[Event], facts: CallFacts | None = None) -> list[Event]:
    return [
        Event(CallStarted(call_id=CALL, call=facts or CallFacts(language="en"))),
        *events,
        Event(CallEnded(call_id=CALL)),
    ]


class Hashing:
    """An engine whose words depend on the samples alone; away, or refusing, where a test says."""

    name = "hashing"
    sample_rate_hz = 16_000

    def __init__(self, fails: Callable[[Sequence[Speech]], Exception | None] = lambda _: None) -> None:
        self.fails = fails
        self.heard: list[Sequence[Speech]] = []

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        if (error := self.fails(speeches)) is not None:
            raise error
        self.heard.append(speeches)
        return [Recognition(sha256(it.samples.tobytes()).hexdigest()[:12], 0.5, it.language or "en") for it in speeches]

    async def close(self) -> None:
        """Nothing is held open."""


def with_context(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    """Masking whose result depends on all that came before."""
    said: list[Segment] = []
    for segment in segments:
        before = sha256("".join(it.text for it in said).encode()).hexdigest()[:6]
        text = segment.text if " after " in segment.text else f"{segment.text} after {before} in {language}"
        said.append(segment.model_copy(update={"text": text}))
    return tuple(said)


class _Loudness:
    """A detector with a memory that costs little: how many of the last frames were loud. It takes noise for speech."""

    def __init__(self) -> None:
        self._mean = 0.0

    def process_frames(self, frames: Samples) -> Probabilities:
        return np.array([self._next(frame) for frame in frames], np.float32)

    def _next(self, frame: Samples) -> float:
        self._mean = 0.6 * self._mean + 0.4 * (float(np.mean(np.square(frame))) > 1e-6)
        return self._mean


class Loudness(Detectors):
    def make(self) -> Detector:
        return _Loudness()


class Kill(Enum):
    """Where in the life of an event its worker is killed."""

    BEFORE = auto()
    HANDLED = auto()
    REMEMBERED = auto()
    PUBLISHED = auto()


@dataclass(frozen=True)
class _Known:
    offset: int
    state: bytes
    held_from: int | None
    outputs: Sequence[Outbound]


@dataclass
class Delivery:
    """Delivers the events of one call to handlers, each in a fresh worker after a kill, by the rules of the runtime.

    An event at or before the last that was remembered is handed in again only where it is held, and gives nothing; at
    the last one, its outputs are published as they were.
    """

    make: Callable[[], Holding[LiveCall]]
    published: list[Outbound] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)
    held: list[int | None] = field(default_factory=list)
    states: int = 0
    known: _Known | None = None

    async def run(self, events: Sequence[Event], kills: Mapping[int, tuple[Kill, int]] | None = None) -> None:
        """``kills``: after so many deliveries, where in that one, and how far behind the commit is."""
        pending = dict(kills or {})
        handler, committed, offset, delivered = self.make(), 0, 0, 0
        while offset < len(events):
            kill, late = pending.pop(delivered, (None, 0))
            delivered += 1
            held_from = (
                None if kill is Kill.BEFORE else await self._deliver(handler, inbound(events[offset], offset), kill)
            )
            if kill is not None:
                handler, offset = self.make(), max(0, committed - late)
                continue
            committed = max(committed, offset + 1 if held_from is None else held_from)
            offset += 1
            await asyncio.sleep(0)  # what runs beside the call goes on meanwhile

    async def _deliver(self, handler: Holding[LiveCall], event: Inbound, kill: Kill | None) -> int | None:
        known, offset = self.known, event.position.offset
        state = LiveCall.model_validate_json(known.state) if known else None
        if known is not None and offset <= known.offset:
            if known.held_from is not None and offset >= known.held_from:
                await _handled(handler, event, state)
            if offset == known.offset:
                self.published += known.outputs
            return known.held_from
        handled = await _handled(handler, event, state)
        if handled is None:
            self.dead.add(offset)
            return self.held[-1] if self.held else None
        if kill is Kill.HANDLED:
            return None
        if handled.state is not None:
            self.states += 1
            body = handled.state.model_dump_json(exclude_none=True).encode()
            self.known = _Known(offset, body, handled.held_from, handled.outputs)
        else:
            assert all(_is_partial(it) for it in handled.outputs), "what is final is remembered"
        if kill is not Kill.REMEMBERED:
            self.published += handled.outputs
        self.held.append(handled.held_from)
        return handled.held_from

    @property
    def events(self) -> dict[str, CallEvent]:
        """What a consumer has that drops what it knows by ``ce_id``; it must be the same each time."""
        found: dict[str, CallEvent] = {}
        for output in self.published:
            payload = output.message.payload
            assert isinstance(payload, CallEvent)
            assert found.setdefault(output.message.envelope.id, payload) == payload
        return found

    @property
    def final(self) -> dict[str, CallEvent]:
        """All but the words so far."""
        return {id_: it for id_, it in self.events.items() if not isinstance(it, TranscriptSegment) or it.final}

    @property
    def partial(self) -> list[TranscriptSegment]:
        return [it for it in self.events.values() if isinstance(it, TranscriptSegment) and not it.final]

    @property
    def segments(self) -> list[Segment]:
        return [it.segment for it in self.final.values() if isinstance(it, TranscriptSegment)]

    @property
    def gaps(self) -> list[TranscriptGap]:
        return [it for it in self.events.values() if isinstance(it, TranscriptGap)]


def _is_partial(output: Outbound) -> bool:
    payload = output.message.payload
    return isinstance(payload, TranscriptSegment) and not payload.final


async def _handled(handler: Holding[LiveCall], event: Inbound, state: LiveCall | None) -> Handled[LiveCall] | None:
    """What the handler gives; tried again while something is away, None where it refuses."""
    while True:
        try:
            return await handler(event, state)
        except Retryable:
            continue
        except Poison:
            return None
