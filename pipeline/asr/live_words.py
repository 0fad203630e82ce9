"""What was said in a live call as events: segments with masked text, and gaps where no words can be known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.asr.live_channel import Spoken
from pipeline.asr.live_hearing import Ear, Heard, language_of
from pipeline.asr.live_masking import Masking
from pipeline.asr.live_numbers import Runs, Said
from pipeline.asr.live_pace import Pace
from pipeline.asr.live_session import Missing
from pipeline.asr.live_state import LiveCall
from pipeline.asr.transcript import words_of
from pipeline.ids import stable_id
from schemas.transcript import Segment, TranscriptGap, TranscriptSegment
from schemas.wire import CallFacts, Language, Role

Event = TranscriptSegment | TranscriptGap

_LANGUAGE: Final[TypeAdapter[str]] = TypeAdapter(Language)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose words they are; ``roles`` by channel."""

    tenant_id: str
    call_id: str
    roles: Mapping[int, Role]

    def who(self, spoken: Spoken) -> Role:
        """Who said it: unknown where it is on the channels of several."""
        found = {self.roles.get(it.channel, Role.UNKNOWN) for it in (spoken, *spoken.copies)}
        return found.pop() if len(found) == 1 else Role.UNKNOWN


@dataclass(frozen=True, slots=True)
class Talk:
    """What of a call is to become words.

    ``found`` was cut off now, ``runs`` are kept; ``speaking`` are the channels where somebody speaks and goes on, and
    ``so_far`` is what was said there by now, where it counts. ``now_ms`` is how far the call is; where it was broken
    off nothing may wait.
    """

    found: Sequence[Spoken | Missing]
    runs: Runs = field(default_factory=dict)
    speaking: AbstractSet[int] = frozenset()
    so_far: Sequence[Spoken] = ()
    now_ms: int = 0
    is_broken_off: bool = False

    @property
    def spoken(self) -> list[Spoken]:
        return [it for it in self.found if isinstance(it, Spoken)]


@dataclass(frozen=True, slots=True)
class Words:
    """Events in order of start, what is kept of each channel, and the call with what is to be remembered.

    ``waited_ms``: how long segments that go out now waited for the rest of a number. ``cuts``: the reason why words
    were taken for phantoms and how much speech that is in ms, for each.
    """

    events: tuple[Event, ...]
    runs: Runs
    call: LiveCall
    waited_ms: tuple[int, ...] = ()
    cuts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Scribe:
    """Writes down what was said.

    Args:
        ear: recognises it.
        masking: takes personal data out of segments, and lets them wait for the rest of a number.
        pace: which revision a segment is.
        default_scenario: for calls that name none.
    """

    ear: Ear
    masking: Masking
    pace: Pace
    default_scenario: str | None = None

    async def write(self, talk: Talk, call: LiveCall, subject: Subject) -> Words:
        """The events of what was said; what the engine refuses for good is a gap, and the call goes on.

        Raises:
            Retryable: the engine is away.
        """
        spoken = talk.spoken
        both = await self.ear.hear([*spoken, *talk.so_far], call)
        heard, so_far = both[: len(spoken)], _said(both[len(spoken) :], subject)
        runs = _joined(talk.runs, _said(heard, subject))
        language = _language(call, [*_all(runs), *so_far])
        lost = [it for it in (*talk.found, *_refused(heard)) if isinstance(it, Missing)]
        # Nobody knows how a number goes on that is broken off, and what is lost must not be found again.
        now_ms = None if talk.is_broken_off or lost else talk.now_ms
        parted = {
            index: self.masking.holding.part(run, now_ms, language, goes_on=index in talk.speaking)
            for index, run in runs.items()
        }
        going = sorted((it for out, _ in parted.values() for it in out), key=_start)
        kept = {index: stays for index, (_, stays) in parted.items() if stays}
        masked = self.masking.write(call.recent, going, [*_all(runs), *so_far], language)
        facts = self._facts(call, language)
        call_id, final = subject.call_id, self.pace.final
        events: list[Event] = [
            *(_segment_event(call_id, facts, it, final) for it in masked.new),
            *(_segment_event(call_id, facts, it, final + 1) for it in masked.corrected),
            *(_segment_event(call_id, facts, it, final) for it in self._withdrawn(heard, subject)),
            *(_gap(call_id, it) for it in lost),
        ]
        remembered = {
            "spoken_ms": _counted(call.spoken_ms, going),
            "recent": masked.recent,
            "segments": call.segments + len(going),
        }
        waited = [it for it in going if all(it.spoken is not new for new in spoken)]
        return Words(
            tuple(sorted(events, key=_place)),
            kept,
            call.model_copy(update=remembered),
            tuple(max(0, talk.now_ms - it.segment.end_ms) for it in waited),
            _cuts(heard),
        )

    def due(self, runs: Runs, found: Iterable[Spoken], now_ms: int) -> set[int]:
        """The channels of which something has waited for as long as it may; what is out already waits no more."""
        holding = self.masking.holding
        waits = [it.spoken for it in _all(runs) if not it.out] + [it for it in found if not it.is_out]
        return {it.channel for it in waits if holding.has_waited(it.end_ms, now_ms)}

    async def so_far(self, spoken: Spoken, call: LiveCall, subject: Subject) -> Said | None:
        """What was said so far, in words; None where there are none.

        Raises:
            Retryable: the engine is away.
        """
        return next(iter(_said(await self.ear.hear([spoken], call, hurried=False), subject)), None)

    def partial(
        self, said: Said, runs: Runs, call: LiveCall, subject: Subject, revision: int
    ) -> TranscriptSegment | None:
        """The event of the words so far, without the digits of a number that may go on; None where that is nothing."""
        language = _language(call, [said])
        segment = self.masking.partial(call.recent, said, _all(runs), language)
        if segment is None:
            return None
        facts = self._facts(call, language)
        return TranscriptSegment(call_id=subject.call_id, call=facts, segment=segment, final=False, revision=revision)

    def _withdrawn(self, heard: Iterable[Heard], subject: Subject) -> list[Segment]:
        """Where words so far may have been told and there are none in the end, a segment without words says so."""
        return [
            _segment(it.spoken, "", subject)
            for it in heard
            if not it.has_words
            and not it.spoken.is_out
            and self.pace.may_have_told(it.spoken.end_ms - it.spoken.start_ms)
        ]

    def _facts(self, call: LiveCall, language: str | None) -> CallFacts:
        """What is known of the call, with the scenario and the language that it is to be mined by."""
        known = call.facts.model_dump(exclude_none=True)
        language = language if language is not None and _is_code(language) else None
        return CallFacts.model_validate({"scenario": self.default_scenario, "language": language} | known)


def _said(heard: Iterable[Heard], subject: Subject) -> list[Said]:
    """What has words."""
    found: list[Said] = []
    for it in heard:
        if it.words is not None and it.has_words:
            segment = _segment(it.spoken, it.words.text.strip(), subject).model_copy(
                update={
                    "confidence": it.words.confidence,
                    "words": words_of(it.words.words, it.spoken.start_ms, it.spoken.end_ms),
                }
            )
            found.append(Said(it.spoken, segment, it.words.language, it.spoken.is_out))
    return found


def _segment(spoken: Spoken, text: str, subject: Subject) -> Segment:
    """Its id is made of where it starts: the words so far and the final ones are one segment."""
    return Segment(
        segment_id=stable_id("segment", subject.tenant_id, subject.call_id, "live", spoken.channel, spoken.start_ms),
        channel=spoken.channel,
        role=subject.who(spoken),
        start_ms=spoken.start_ms,
        end_ms=spoken.end_ms,
        text=text,
    )


def _joined(runs: Runs, new: Iterable[Said]) -> Runs:
    """What is kept of each channel, with what was said since."""
    joined = dict(runs)
    for it in new:
        joined[it.spoken.channel] = (*joined.get(it.spoken.channel, ()), it)
    return joined


def _all(runs: Runs) -> list[Said]:
    return [it for run in runs.values() for it in run]


def _is_code(language: str) -> bool:
    """Whether an engine's name of a language can travel; some know names of three letters."""
    try:
        _LANGUAGE.validate_python(language)
    except ValidationError:
        return False
    return True


def _segment_event(call_id: str, facts: CallFacts, segment: Segment, revision: int) -> TranscriptSegment:
    return TranscriptSegment(call_id=call_id, call=facts, segment=segment, final=True, revision=revision)


def _refused(heard: Iterable[Heard]) -> list[Missing]:
    refused = (it.spoken for it in heard if it.words is None and not it.spoken.is_out)
    return [Missing(it.channel, it.start_ms, it.end_ms) for it in refused]


def _gap(call_id: str, missing: Missing) -> TranscriptGap:
    return TranscriptGap(call_id=call_id, channel=missing.channel, start_ms=missing.start_ms, end_ms=missing.end_ms)


def _start(it: Said) -> tuple[int, int]:
    return it.segment.start_ms, it.segment.channel


def _place(event: Event) -> tuple[int, int]:
    it = event.segment if isinstance(event, TranscriptSegment) else event
    return it.start_ms, it.channel


def _cuts(heard: Iterable[Heard]) -> tuple[tuple[str, int], ...]:
    cut = ((it.words.cut, it.spoken) for it in heard if it.words is not None and it.words.cut is not None)
    return tuple((reason, spoken.end_ms - spoken.start_ms) for reason, spoken in cut)


def _language(call: LiveCall, said: Iterable[Said]) -> str | None:
    """That of the call, or the one that most was said in."""
    return call.facts.language or language_of(_counted(call.spoken_ms, said))


def _counted(spoken_ms: Mapping[str, int], said: Iterable[Said]) -> dict[str, int]:
    """How much was said in each language, with what was said now; what is out was counted before."""
    lengths = dict(spoken_ms)
    for it in said:
        if it.language is not None and not it.out:
            length = it.segment.end_ms - it.segment.start_ms
            lengths[it.language] = lengths.get(it.language, 0) + length
    return lengths
