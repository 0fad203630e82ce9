"""The asr stage: an announced recording becomes one whole transcript, each word with its channel, role and time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from pipeline.asr.decode import Audio, Limits, decode
from pipeline.asr.errors import NotThereYet
from pipeline.asr.transcribe import Heard, transcribe
from pipeline.asr.vad import RATE_HZ, rules_of
from pipeline.errors import Poison
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.ids import stable_id
from pipeline.ports import AsrEngine, AudioStore, ClaimCheck
from pipeline.settings import AudioSettings
from pipeline.stages import transcripts
from schemas.audio import RecordingAvailable
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import Channel, Lane, Role

STAGE: Final = "asr"
NO_SPEECH: Final = "no speech was found in the recording"
NO_WORDS: Final = "speech was found, but no words were recognised in it"

Mask = Callable[[Sequence[Segment], str | None], tuple[Segment, ...]]
_log: Final = structlog.get_logger(__name__)


def build(  # noqa: PLR0913 - what the stage needs from outside, each named
    *,
    engine: AsrEngine,
    store: AudioStore,
    settings: AudioSettings,
    now: Callable[[], datetime],
    mask: Mask,
    default_scenario: str | None = None,
    at_once: int = 4,
) -> Handler:
    """The handler of ``call.recording.available``; what else travels on the topic is passed over.

    Args:
        engine: recognises the spans.
        store: brings recordings here.
        settings: limits, and how speech is found.
        now: the clock that a recording's deadline to arrive is held against.
        mask: takes personal data out of the segments before they leave this process.
        default_scenario: for calls whose event names none.
        at_once: recordings that are decoded at the same time; bounds the memory (230 MB an hour and channel).
    """
    return _Recordings(engine, store, settings, now, mask, default_scenario, asyncio.Semaphore(at_once))


@dataclass(frozen=True, slots=True)
class _Recordings:
    engine: AsrEngine
    store: AudioStore
    settings: AudioSettings
    now: Callable[[], datetime]
    mask: Mask
    default_scenario: str | None
    slots: asyncio.Semaphore

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        """One ``transcript.completed``, or nothing where the customer has not consented.

        Raises:
            Retryable: the recording is not there yet, or the store or the engine is away.
            Poison: the recording is refused, unreadable or overdue, or the channel map does not fit it.
        """
        event = inbound.payload
        if not isinstance(event, RecordingAvailable):
            return ()
        if event.call.consent is False:
            _log.info("recording.not_decoded", call_id=event.call_id, reason="the call has no consent")
            return ()
        roles_by_index = roles(event.channels)
        async with self.slots:
            async with self._fetched(inbound, event) as path:
                audio = await self._decoded(path, event)
            check_channels(roles_by_index, audio.channels)
            heard = await transcribe(audio, self.engine, rules_of(self.settings), event.call.language)
        transcript = self._transcript(inbound, event, audio, heard, roles_by_index)
        return (follow(inbound, transcript, stage=STAGE, topic=transcripts(Lane.BATCH)),)

    def _fetched(self, inbound: Inbound, event: RecordingAvailable) -> AbstractAsyncContextManager[Path]:
        deadline_s = self.settings.arrival_deadline_s
        age_s = (self.now() - inbound.message.envelope.time).total_seconds()
        return _fetched(self.store, ClaimCheck(event.dataref, event.sha256), age_s, deadline_s)

    async def _decoded(self, path: Path, event: RecordingAvailable) -> Audio:
        limits = Limits(self.settings.max_duration_s)
        return await asyncio.to_thread(decode, path, sample_rate_hz=RATE_HZ, limits=limits, raw=event.raw)

    def _transcript(
        self,
        inbound: Inbound,
        event: RecordingAvailable,
        audio: Audio,
        heard: Sequence[Heard],
        roles_by_index: dict[int, Role],
    ) -> TranscriptCompleted:
        def segment_id(it: Heard) -> str:
            span = (it.channel, it.start_ms, it.end_ms)
            return stable_id("segment", inbound.tenant_id, event.call_id, event.revision, *span)

        language = event.call.language or spoken_language(heard)
        segments = tuple(
            Segment(
                segment_id=segment_id(it),
                channel=it.channel,
                role=roles_by_index.get(it.channel, Role.UNKNOWN),
                start_ms=it.start_ms,
                end_ms=it.end_ms,
                text=it.recognition.text,
                confidence=it.recognition.confidence,
            )
            for it in sorted(heard, key=lambda it: (it.start_ms, it.channel))
            if it.recognition.text
        )
        facts = {} if event.call.scenario or not self.default_scenario else {"scenario": self.default_scenario}
        return TranscriptCompleted(
            call_id=event.call_id,
            call=event.call.model_copy(update=facts),
            revision=event.revision,
            lane=Lane.BATCH,
            language=language,
            duration_ms=audio.duration_ms,
            engine=self.engine.name,
            segments=self.mask(segments, language),
            empty_because=None if segments else (NO_WORDS if heard else NO_SPEECH),
        )


@asynccontextmanager
async def _fetched(store: AudioStore, claim: ClaimCheck, age_s: float, deadline_s: float) -> AsyncIterator[Path]:
    async with AsyncExitStack() as stack:
        try:
            path = await stack.enter_async_context(store.fetch(claim))
        except NotThereYet as error:
            if age_s <= deadline_s:
                raise
            raise Poison(
                f"the recording is still not there {age_s:.0f} s after it was announced: {error.message}",
                hint="CONVMINE_AUDIO_ARRIVAL_DEADLINE_S says how long to wait",
            ) from error
        yield path


def roles(channels: Sequence[Channel]) -> dict[int, Role]:
    """Who is on which channel; empty where the event does not say.

    Raises:
        Poison: a channel is named twice.
    """
    found = {channel.index: channel.role for channel in channels}
    if len(found) < len(channels):
        raise Poison("the event's channels name an index twice")
    return found


def check_channels(roles_by_index: dict[int, Role], channels: int) -> None:
    """See that the map names only channels that the recording has; those it leaves out have an unknown role.

    Raises:
        Poison: the map names a channel that is not there.
    """
    if (odd := max(roles_by_index, default=0)) >= channels:
        raise Poison(f"the event names channel {odd}, the recording has {channels} (the first is 0)")


def spoken_language(heard: Sequence[Heard]) -> str | None:
    """The language that most of the recognised speech is in, by length; None where no engine said."""
    lengths: Counter[str] = Counter()
    for it in heard:
        if it.recognition.language is not None and it.recognition.text:
            lengths[it.recognition.language] += it.span.end - it.span.start
    return max(lengths, key=lambda language: lengths[language], default=None)
