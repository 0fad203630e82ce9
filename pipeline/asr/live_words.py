"""What was said in a live call, recognised: segments with masked text, and gaps where no words can be known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from pipeline.asr.decode import resample
from pipeline.asr.live_channel import Spoken
from pipeline.asr.live_session import Missing
from pipeline.asr.live_state import LiveCall
from pipeline.asr.vad import RATE_HZ
from pipeline.errors import Poison
from pipeline.ids import stable_id
from pipeline.ports import AsrEngine, Recognition, Speech
from schemas.transcript import Segment, TranscriptGap, TranscriptSegment
from schemas.wire import CallFacts, Language, Role

Mask = Callable[[Sequence[Segment], str | None], tuple[Segment, ...]]
Event = TranscriptSegment | TranscriptGap

_SURE_MS: Final = 5_000
"""After so much speech the language that most of it was in is told to the engine, which need not guess any more."""
_RECENT: Final = 6
"""Segments that masking looks back on: a code is said up to three segments after somebody asked for it."""
_LANGUAGE: Final[TypeAdapter[str]] = TypeAdapter(Language)
_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose words they are; ``roles`` by channel."""

    tenant_id: str
    call_id: str
    roles: dict[int, Role]


@dataclass(frozen=True, slots=True)
class Words:
    """Events in order of start, and the call with what is to be remembered of them."""

    events: tuple[Event, ...]
    call: LiveCall


@dataclass(frozen=True, slots=True)
class _Heard:
    """Something that was said, and what the engine made of it; None where it refuses it."""

    spoken: Spoken
    words: Recognition | None


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes down what was said.

    Args:
        engine: recognises it; all that one event brought at once.
        mask: takes personal data out of segments.
        default_scenario: for calls that name none.
    """

    engine: AsrEngine
    mask: Mask
    default_scenario: str | None = None

    async def write(self, found: Sequence[Spoken | Missing], call: LiveCall, subject: Subject) -> Words:
        """The events of what was found; what the engine refuses for good is a gap, and the call goes on.

        Raises:
            Retryable: the engine is away.
        """
        spoken = [it for it in found if isinstance(it, Spoken)]
        told = call.facts.language or _language(call.spoken_ms, at_least_ms=_SURE_MS)
        heard = [_Heard(it, words) for it, words in zip(spoken, await self._recognise(spoken, told), strict=True)]
        missing = [it for it in found if isinstance(it, Missing)]
        missing += [Missing(it.channel, it.start_ms, it.end_ms) for it in _refused(heard)]
        spoken_ms = _counted(call.spoken_ms, heard)
        language = call.facts.language or _language(spoken_ms)
        masked = self._masked(_segments(heard, subject), call, language)
        remembered = {
            "spoken_ms": spoken_ms,
            "recent": (*call.recent, *masked)[-_RECENT:],
            "segments": call.segments + len(masked),
        }
        facts = self._facts(call, language)
        events: list[Event] = [
            *(TranscriptSegment(call_id=subject.call_id, call=facts, segment=it, final=True) for it in masked),
            *(_gap(subject.call_id, it) for it in missing),
        ]
        return Words(tuple(sorted(events, key=_place)), call.model_copy(update=remembered))

    async def _recognise(self, spoken: Sequence[Spoken], language: str | None) -> list[Recognition | None]:
        if not spoken:
            return []
        rate_hz = self.engine.sample_rate_hz
        speeches = [Speech(resample(it.samples, RATE_HZ, rate_hz), rate_hz, language) for it in spoken]
        try:
            return list(await self.engine.recognise(speeches))
        except Poison as refusal:
            if len(spoken) > 1:
                return [words for it in spoken for words in await self._recognise([it], language)]
            _log.error("speech.refused", start_ms=spoken[0].start_ms, end_ms=spoken[0].end_ms, reason=refusal.message)
            return [None]

    def _masked(self, segments: Sequence[Segment], call: LiveCall, language: str | None) -> tuple[Segment, ...]:
        if not segments:
            return ()
        return self.mask((*call.recent, *segments), language)[len(call.recent) :]

    def _facts(self, call: LiveCall, language: str | None) -> CallFacts:
        """What is known of the call, with the scenario and the language that it is to be mined by."""
        known = call.facts.model_dump(exclude_none=True)
        language = language if language is not None and _is_code(language) else None
        return CallFacts.model_validate({"scenario": self.default_scenario, "language": language} | known)


def _segments(heard: Iterable[_Heard], subject: Subject) -> list[Segment]:
    """One segment for each that has words, in order of start."""
    segments = [
        Segment(
            segment_id=stable_id(
                "segment", subject.tenant_id, subject.call_id, "live", it.channel, it.start_ms, it.end_ms
            ),
            channel=it.channel,
            role=subject.roles.get(it.channel, Role.UNKNOWN),
            start_ms=it.start_ms,
            end_ms=it.end_ms,
            text=words.text.strip(),
            confidence=words.confidence,
        )
        for it, words in ((each.spoken, each.words) for each in heard)
        if words is not None and words.text.strip()
    ]
    return sorted(segments, key=lambda it: (it.start_ms, it.channel))


def _is_code(language: str) -> bool:
    """Whether an engine's name of a language can travel; some know names of three letters."""
    try:
        _LANGUAGE.validate_python(language)
    except ValidationError:
        return False
    return True


def _refused(heard: Iterable[_Heard]) -> list[Spoken]:
    return [it.spoken for it in heard if it.words is None]


def _gap(call_id: str, missing: Missing) -> TranscriptGap:
    return TranscriptGap(call_id=call_id, channel=missing.channel, start_ms=missing.start_ms, end_ms=missing.end_ms)


def _place(event: Event) -> tuple[int, int]:
    it = event.segment if isinstance(event, TranscriptSegment) else event
    return it.start_ms, it.channel


def _counted(spoken_ms: dict[str, int], heard: Iterable[_Heard]) -> dict[str, int]:
    """How much was said in each language, with what was heard now."""
    lengths = dict(spoken_ms)
    for it in heard:
        if it.words is not None and it.words.language is not None and it.words.text:
            length = it.spoken.end_ms - it.spoken.start_ms
            lengths[it.words.language] = lengths.get(it.words.language, 0) + length
    return lengths


def _language(spoken_ms: dict[str, int], at_least_ms: int = 0) -> str | None:
    """The language that most of the speech was in, once there was so much."""
    if sum(spoken_ms.values()) < at_least_ms:
        return None
    return max(spoken_ms, key=lambda language: (spoken_ms[language], language), default=None)
