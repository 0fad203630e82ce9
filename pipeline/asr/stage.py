"""The asr stage: an announced recording becomes one whole transcript, each word with its channel, role and time.

A recording of many conversations becomes an event for each of them instead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

import structlog

from pipeline.asr.arrival import arrived
from pipeline.asr.conversations import Spoken, at_markers, at_silences, children
from pipeline.asr.decode import Limits
from pipeline.asr.fetch import sha256_of
from pipeline.asr.kept_spans import KeptSpans
from pipeline.asr.kept_transcripts import KeptTranscripts, Upload
from pipeline.asr.spans import speech_of
from pipeline.asr.spool import Spool, spool
from pipeline.asr.transcribe import PORTION_SPANS, Heard, Listening, transcribe
from pipeline.asr.transcript import health_of, hearing_of, roles_heard, segments_of, spoken_language
from pipeline.asr.vad import RATE_HZ, rules_of
from pipeline.asr.vocabulary import Vocabulary
from pipeline.errors import Poison
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.llm.caches import NoCache
from pipeline.ports import AsrEngine, AudioStore, ClaimCheck, Diariser, ResponseCache
from pipeline.privacy.masking import Mask
from pipeline.privacy.sealing import UNSEALED, Seal
from pipeline.settings import AudioSettings
from pipeline.stages import RECORDINGS, transcripts
from schemas.audio import Extent, RecordingAvailable, Split
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallFacts, Channel, Lane, Role

STAGE: Final = "asr"
NO_SPEECH: Final = "no speech was found in the recording"
NO_WORDS: Final = "speech was found, but no words were recognised in it"
SPLIT_MAX_S: Final = 24 * 3_600.0
"""The longest recording, in seconds, that is split into conversations; one conversation has a limit of its own."""

_log: Final = structlog.get_logger(__name__)


def _no_words(scenario: str | None, language: str | None) -> tuple[str, ...]:
    del scenario, language
    return ()


@dataclass(frozen=True, slots=True)
class Aids:
    """What helps the engine and saves it work; nothing unless given.

    Args:
        vocabulary: words that are likely in the calls of a scenario, in a language.
        diariser: tells several speakers on the only channel of a recording apart.
        cache: keeps what was heard already, in long recordings and in those that are uploaded again.
        keep_from_s: seconds from which on a recording is a long one.
        portion_spans: spans of a recording that the engine is given at once.
        seal: encrypts the words of spans that are kept; they are not masked yet.
    """

    vocabulary: Vocabulary = _no_words
    diariser: Diariser | None = None
    cache: ResponseCache = field(default_factory=NoCache)
    keep_from_s: float = 600.0
    portion_spans: int = PORTION_SPANS
    seal: Seal = UNSEALED


def build(  # noqa: PLR0913 - what the stage needs from outside, each named
    *,
    engine: AsrEngine,
    store: AudioStore,
    settings: AudioSettings,
    now: Callable[[], datetime],
    mask: Mask,
    default_scenario: str | None = None,
    at_once: int = 4,
    aids: Aids | None = None,
) -> Handler:
    """The handler of ``call.recording.available``; what else travels on the topic is passed over.

    Args:
        engine: recognises the spans.
        store: brings recordings here.
        settings: limits, and how speech is found.
        now: the clock that a recording's deadline to arrive is held against.
        mask: takes personal data out of the segments before they leave this process.
        default_scenario: for calls whose event names none.
        at_once: recordings that are decoded at the same time; bounds the memory (tens of MB each, however long) and
            the disk (115 MB an hour and channel).
        aids: what helps the engine, if anything does.
    """
    return _Recordings(engine, store, settings, now, mask, default_scenario, asyncio.Semaphore(at_once), aids or Aids())


@dataclass(frozen=True, slots=True)
class _Recordings:
    engine: AsrEngine
    store: AudioStore
    settings: AudioSettings
    now: Callable[[], datetime]
    mask: Mask
    default_scenario: str | None
    slots: asyncio.Semaphore
    aids: Aids

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        """One ``transcript.completed``, or an event for each conversation of a recording that is to be split.

        Nothing where the customer has not consented.

        Raises:
            Retryable: the recording is not there yet, or the store, the engine or the disk is away.
            Poison: the recording is refused, unreadable or overdue, or the channel map does not fit it.
        """
        event = inbound.payload
        if not isinstance(event, RecordingAvailable):
            return ()
        if event.call.consent is False:
            _log.info("recording.not_decoded", call_id=event.call_id, reason="the call has no consent")
            return ()
        named = roles(event.channels)
        async with self.slots:
            if event.split is not None:
                found = await self._conversations(inbound, event, event.split)
                return tuple(follow(inbound, it, stage=STAGE, topic=RECORDINGS, part=it.call_id) for it in found)
            transcript = await self._transcript(inbound, event, named)
        return (follow(inbound, transcript, stage=STAGE, topic=transcripts(Lane.BATCH)),)

    async def _conversations(
        self, inbound: Inbound, event: RecordingAvailable, split: Split
    ) -> Sequence[RecordingAvailable]:
        limits = Limits(max(SPLIT_MAX_S, self.settings.max_duration_s), named="a recording that is to be split")
        async with self._fetched(inbound, event) as path:
            audio = await self._spooled(path, event, limits)
        with closing(audio):
            check_channels(roles(event.channels), audio.channels)
            speech = await asyncio.to_thread(self._speech, audio)
        found = children(event, self._extents(event, split, speech, audio.duration_ms))
        _log.info("recording.split", call_id=event.call_id, duration_ms=audio.duration_ms, conversations=len(found))
        return found

    def _speech(self, audio: Spool) -> list[Spoken]:
        rules = rules_of(self.settings)
        spans = (span for channel in _alive(audio) for span in speech_of(audio, channel, rules))
        return [Spoken(span.start * 1_000 // RATE_HZ, span.end * 1_000 // RATE_HZ) for span in spans]

    def _extents(
        self, event: RecordingAvailable, split: Split, speech: Sequence[Spoken], duration_ms: int
    ) -> tuple[Extent, ...]:
        if split is Split.SILENCE:
            return at_silences(speech, round(self.settings.split_silence_s * 1_000), duration_ms)
        base_ms = event.extent.start_ms if event.extent else 0
        return at_markers(speech, (marker - base_ms for marker in event.markers_ms), duration_ms)

    async def _transcript(
        self, inbound: Inbound, event: RecordingAvailable, named: dict[int, Role]
    ) -> TranscriptCompleted:
        kept = KeptTranscripts(self.aids.cache)
        async with self._fetched(inbound, event) as path:
            bytes_ = await _identity(path, event)
            upload = self._upload(inbound, event, bytes_)
            if (earlier := await kept.of_earlier(upload)) is not None:
                _log.info("recording.known", call_id=event.call_id, reason="the same was transcribed for another event")
                return earlier.model_copy(update={"call": self._facts(event)})
            audio = await self._spooled(path, event, Limits(self.settings.max_duration_s))
        with closing(audio):
            check_channels(named, audio.channels)
            heard_roles = roles_heard(named, audio.states)
            kept_spans = KeptSpans(self.aids.cache, upload.subject, bytes_, self.engine.name, self.aids.seal)
            heard = await self._heard(audio, event, heard_roles, kept_spans)
        transcript = self._written(inbound, event, audio, heard, heard_roles)
        await kept.keep(upload, transcript)
        return transcript

    def _upload(self, inbound: Inbound, event: RecordingAvailable, bytes_: str) -> Upload:
        said = event.model_dump_json(include={"revision", "channels"})
        scenario, language = self._scenario(event), event.call.language
        words = self.aids.vocabulary(scenario, language)
        hints = [self.engine.name, scenario, language, words, asdict(rules_of(self.settings))]
        subject = f"{inbound.tenant_id}:{event.call_id}"
        return Upload(inbound.message.envelope.id, subject, json.dumps([bytes_, said, hints]))

    async def _heard(
        self, audio: Spool, event: RecordingAvailable, heard_roles: dict[int, Role], kept_spans: KeptSpans
    ) -> tuple[Heard, ...]:
        aids, alive = self.aids, _alive(audio)
        mixed = len(alive) == 1 and heard_roles.get(alive[0], Role.UNKNOWN) is Role.UNKNOWN
        how = Listening(
            channels=alive,
            vocabulary=partial(aids.vocabulary, self._scenario(event)),
            diariser=aids.diariser if mixed else None,
            kept=kept_spans if audio.duration_ms >= aids.keep_from_s * 1_000 else None,
            portion_spans=aids.portion_spans,
        )
        return await transcribe(audio, self.engine, rules_of(self.settings), event.call.language, how)

    def _written(
        self,
        inbound: Inbound,
        event: RecordingAvailable,
        audio: Spool,
        heard: Sequence[Heard],
        heard_roles: dict[int, Role],
    ) -> TranscriptCompleted:
        language = event.call.language or spoken_language(heard)
        unmasked = segments_of(heard, heard_roles, (inbound.tenant_id, event.call_id, event.revision))
        segments = self.mask(unmasked, language)
        health = health_of(audio.states, heard)
        hearing = hearing_of(audio.duration_ms * audio.channels, heard, segments)
        states = [it.state for it in health]
        _log.info("recording.heard", call_id=event.call_id, channels=states, spans=len(heard), **hearing.model_dump())
        return TranscriptCompleted(
            call_id=event.call_id,
            call=self._facts(event),
            revision=event.revision,
            lane=Lane.BATCH,
            language=language,
            duration_ms=audio.duration_ms,
            engine=self.engine.name,
            segments=segments,
            empty_because=None if segments else (NO_WORDS if heard else NO_SPEECH),
            channel_health=health,
            hearing=hearing,
        )

    def _fetched(self, inbound: Inbound, event: RecordingAvailable) -> AbstractAsyncContextManager[Path]:
        deadline_s = self.settings.arrival_deadline_s
        age_s = (self.now() - inbound.message.envelope.time).total_seconds()
        return arrived(self.store, ClaimCheck(event.dataref, event.sha256), age_s, deadline_s)

    async def _spooled(self, path: Path, event: RecordingAvailable, limits: Limits) -> Spool:
        stop = Event()
        try:
            return await asyncio.to_thread(spool, path, limits=limits, raw=event.raw, extent=event.extent, stop=stop)
        finally:
            stop.set()  # the thread of a cancelled handler would decode to the end

    def _facts(self, event: RecordingAvailable) -> CallFacts:
        return event.call.model_copy(update={"scenario": self._scenario(event)})

    def _scenario(self, event: RecordingAvailable) -> str | None:
        return event.call.scenario or self.default_scenario


async def _identity(path: Path, event: RecordingAvailable) -> str:
    """What tells the audio of this event from any other: the bytes, how they are read, and which part of them."""
    sha256 = event.sha256
    if sha256 is None:
        sha256 = await asyncio.to_thread(sha256_of, path)
    return json.dumps([sha256, event.model_dump(mode="json", include={"raw", "extent"})])


def _alive(audio: Spool) -> tuple[int, ...]:
    """The channels that are worth transcribing."""
    return tuple(it.index for it in audio.states if it.state == "ok")


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
