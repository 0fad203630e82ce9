"""The live lane of asr: chunks of audio become final segments, each of them once, however often its worker is killed.

A chunk is held until all its audio is out. What is remembered of a call says up to where that is; the rest follows from
the chunks after it, which come again after a kill (``live_session``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.asr.live_copies import once
from pipeline.asr.live_hearing import Ear
from pipeline.asr.live_idle import Watch
from pipeline.asr.live_masking import Masking
from pipeline.asr.live_numbers import Holding as NumberHolding
from pipeline.asr.live_numbers import IsOpen
from pipeline.asr.live_pace import Pace
from pipeline.asr.live_partial import Drafts
from pipeline.asr.live_session import LiveSession, listen
from pipeline.asr.live_state import LiveCall
from pipeline.asr.live_turns import Turns
from pipeline.asr.live_words import Event, Scribe, Subject, Talk, Words
from pipeline.asr.stage import STAGE
from pipeline.asr.streaming_vad import Detectors
from pipeline.asr.vad import Rules, rules_of
from pipeline.asr.vocabulary import Vocabulary
from pipeline.figures import LIVE_DRAFTS, LIVE_DROPPED, LIVE_HELD_BACK, PHANTOM_SECONDS, NoMeter
from pipeline.handling import Handled, Inbound, Outbound, follow
from pipeline.ports import AsrEngine, Meter
from pipeline.privacy.masking import Mask
from pipeline.settings import AudioSettings
from pipeline.stages import transcripts
from schemas.audio import AudioChunk
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.transcript import TranscriptGap
from schemas.wire import Lane

_TOPIC: Final = transcripts(Lane.LIVE)
_MS: Final = 1_000
_log: Final = structlog.get_logger(__name__)


def build(  # noqa: PLR0913 - all that the lane works with, most of it with a default
    *,
    engine: AsrEngine,
    settings: AudioSettings,
    mask: Mask,
    is_open: IsOpen = lambda _segment, _language: False,
    hold_ms: int = 0,
    vocabulary: Vocabulary = lambda _scenario, _language: (),
    default_scenario: str | None = None,
    detectors: Detectors | None = None,
    clock: Callable[[], float] = time.monotonic,
    meter: Meter | None = None,
) -> LiveCalls:
    """The handler of ``calls.audio``: ``transcript.segment``, ``transcript.gap``, and the events of a call's life.

    Args:
        engine: recognises what was said between two cuts.
        settings: how speech is told and cut, and how often the words so far are told.
        mask: takes personal data out of the segments before they leave this process.
        is_open: whether a segment ends inside a number that may go on.
        hold_ms: how long such a segment waits for the rest, in ms of the call.
        vocabulary: words that are likely in the calls of a scenario, in a language.
        default_scenario: for calls that name none.
        detectors: of speech; Silero's where not given.
        clock: in seconds, for calls that nobody ends.
        meter: where the lane's figures go.
    """
    masking = Masking(mask, NumberHolding(is_open, hold_ms))
    scribe = Scribe(Ear(engine, vocabulary, default_scenario), masking, Pace.of(settings), default_scenario)
    watch = Watch(settings.idle_s, clock)
    return LiveCalls(scribe, watch, rules_of(settings), detectors or Detectors(), meter or NoMeter())


@dataclass(slots=True)
class _Open:
    """A call with audio in memory."""

    session: LiveSession
    drafts: Drafts


class LiveCalls:
    """A ``Holding`` handler."""

    remembers: type[LiveCall] = LiveCall

    def __init__(self, scribe: Scribe, watch: Watch, rules: Rules, detectors: Detectors, meter: Meter) -> None:
        self._meter = meter
        self._scribe = scribe
        self._watch = watch
        self._rules = rules
        self._detectors = detectors
        self._open: dict[str, _Open] = {}
        self._turns = Turns()

    @property
    def in_memory(self) -> int:
        """How many calls this process knows anything of."""
        return len(self._open.keys() | self._watch.keys)

    async def __call__(self, inbound: Inbound, state: LiveCall | None) -> Handled[LiveCall]:
        """Take one event of a call.

        Raises:
            Retryable: the engine is away; the same event may be handed in again.
            Poison: the audio of this chunk cannot be read, or does not fit to the call; the call goes on without it.
        """
        call, key = state or LiveCall(), _key(inbound)
        if call.ended:
            _log.info("event.dropped", call_id=inbound.message.envelope.subject, reason="the call has ended")
            self._watch.ended(key)
            return Handled()
        if isinstance(inbound.payload, CallEnded) and self._watch.is_stale(key, inbound):
            _log.info("event.dropped", call_id=inbound.payload.call_id, reason="the call was idle and went on")
            return Handled(held_from=self._held_from(key))
        if not isinstance(inbound.payload, CallEnded):
            self._watch.came(key, inbound)
        return _at(await self._handle(inbound, call), inbound)

    async def let_go(self, key: str, state: LiveCall | None) -> Handled[LiveCall]:
        """Cut every channel of this call where its audio ends now, and say what was said."""
        open_ = self._open.get(key)
        if open_ is None or (newest := open_.session.newest) is None:
            return Handled()
        open_.session.finish()
        return _at(await self._say(newest, open_, state or LiveCall()), newest)

    def ends(self) -> Sequence[Outbound]:
        """The events that end calls of which nothing has come for long, to be published on the topic of their audio."""
        return self._watch.ends()

    def drop(self, key: str) -> None:
        """Drop the audio of a call, and expect no more of it."""
        self._close(key)
        self._watch.ended(key)

    def forget(self, partition: int) -> None:
        """Drop the audio of the calls of this partition."""
        for key in [key for key, it in self._open.items() if it.session.partition == partition]:
            self._close(key)
        self._watch.forget(partition)

    async def _handle(self, inbound: Inbound, call: LiveCall) -> Handled[LiveCall]:
        match inbound.payload:
            case AudioChunk() as chunk:
                return await self._chunk(inbound, chunk, call)
            case CallStarted() | CallUpdated() as event:
                return self._facts(inbound, event, call)
            case CallHeld() | CallResumed() | CallEnded() as event:
                return await self._break(inbound, event, call)
            case _:
                return Handled(held_from=self._held_from(_key(inbound)))

    async def _chunk(self, inbound: Inbound, chunk: AudioChunk, call: LiveCall) -> Handled[LiveCall]:
        if call.facts.consent is False:
            return Handled()
        open_ = self._open.get(_key(inbound)) or self._opened(inbound, call)
        session = open_.session
        if session.turn_to(inbound):
            dropped = session.dropped
            await self._turns.wait()
            await listen(session, inbound, chunk)
            if session.dropped > dropped:
                self._meter.count(LIVE_DROPPED, session.dropped - dropped)
            session.at = inbound.position.offset
            self._open[_key(inbound)] = open_
        if inbound.position.offset <= call.at:
            # It comes again to fill the memory: what was out before a kill is not found again, the rest waits.
            return Handled(held_from=session.held_from)
        return await self._say(inbound, open_, call)

    def _facts(self, inbound: Inbound, event: CallStarted | CallUpdated, call: LiveCall) -> Handled[LiveCall]:
        facts = call.facts.model_copy(update=event.call.model_dump(exclude_none=True))
        call = call.model_copy(update={"facts": facts})
        if inbound.position.offset > call.at and (open_ := self._open.get(_key(inbound))) is not None:
            call = open_.session.arrived(call)
        if facts.consent is False:
            # What came before is dropped with the rest; if consent is given later, the call is heard from then on.
            self._close(_key(inbound))
            call = LiveCall(facts=facts, may_jump=True, segments=call.segments)
            _log.info("call.not_decoded", call_id=event.call_id, reason="the call has no consent")
        return Handled((_forwarded(inbound),), call, self._held_from(_key(inbound)))

    async def _break(
        self, inbound: Inbound, event: CallHeld | CallResumed | CallEnded, call: LiveCall
    ) -> Handled[LiveCall]:
        """A pause or the end: all that was said before it is out before it."""
        said: Handled[LiveCall] = Handled()
        if (open_ := self._open.get(_key(inbound))) is not None:
            if open_.session.turn_to(inbound):
                open_.session.finish()
                open_.session.at = inbound.position.offset
            said = await self._say(inbound, open_, call)
        call = (said.state or call).model_copy(update={"may_jump": True})
        if isinstance(event, CallEnded):
            call = LiveCall(segments=call.segments, ended=True)
            self._watch.ended(_key(inbound))
            _log.info("call.heard", call_id=event.call_id, segments=call.segments)
        return Handled((*said.outputs, _forwarded(inbound)), call)

    async def _say(self, inbound: Inbound, open_: _Open, call: LiveCall) -> Handled[LiveCall]:
        """What waits in the session becomes events that follow from this one; an emptied session is dropped."""
        session, key = open_.session, _key(inbound)
        open_.drafts.give_up_late(session.channels)
        subject = Subject(inbound.tenant_id, inbound.message.envelope.subject, session.roles)
        due = self._scribe.due(session.runs, session.spoken, session.now_ms)
        if not (session.waiting or session.has_moved or due or session.must_tell):
            if session.held_from is None:
                self._close(key)
            return Handled(self._partials(inbound, open_, call, subject), held_from=session.held_from)
        speaking = {it.index: it for it in session.channels if it.speaking_ms is not None}
        so_far = once(spoken for index, it in speaking.items() if index in due and (spoken := it.so_far()) is not None)
        talk = Talk(
            session.waiting, session.runs, speaking.keys(), so_far, session.now_ms, is_broken_off=session.must_tell
        )
        session.was_tried = True
        words = await self._scribe.write(talk, call, subject)
        session.told(words.runs)
        self._count(words)
        outputs = tuple(follow(inbound, it, stage=STAGE, topic=_TOPIC, part=_part(it)) for it in words.events)
        state = session.remembered(words.call)
        if session.held_from is None:
            self._close(key)
        return Handled(outputs, state, session.held_from)

    def _partials(self, inbound: Inbound, open_: _Open, call: LiveCall, subject: Subject) -> Sequence[Outbound]:
        """The words so far, if nothing else is to be told: no partial segment is part of what is remembered."""
        drafts, session = open_.drafts, open_.session
        if not self._scribe.pace.every_ms:
            return ()
        found = [
            self._scribe.partial(it.said, session.runs, call, subject, it.revision)
            for it in drafts.done(session.channels)
        ]
        drafts.begin(session.channels, call, subject)
        events = [event for event in found if event is not None]
        if events:
            self._meter.count(LIVE_DRAFTS, len(events), outcome="told")
        return [follow(inbound, it, stage=STAGE, topic=_TOPIC, part=_part(it)) for it in events]

    def _count(self, words: Words) -> None:
        for waited_ms in words.waited_ms:
            self._meter.observe(LIVE_HELD_BACK, waited_ms / _MS)
            _log.info("segment.held_back", waited_ms=waited_ms)
        for reason, length_ms in words.cuts:
            self._meter.count(PHANTOM_SECONDS, length_ms / _MS, lane=str(Lane.LIVE), reason=reason)
            _log.info("speech.cut", reason=reason, length_ms=length_ms)

    def _opened(self, inbound: Inbound, call: LiveCall) -> _Open:
        session = LiveSession(call, inbound.position.partition, self._rules, self._detectors)
        return _Open(session, Drafts(self._scribe, self._meter))

    def _held_from(self, key: str) -> int | None:
        open_ = self._open.get(key)
        return open_.session.held_from if open_ else None

    def _close(self, key: str) -> None:
        if (open_ := self._open.pop(key, None)) is not None:
            open_.drafts.close()


def _key(inbound: Inbound) -> str:
    envelope = inbound.message.envelope
    return f"{envelope.tenantid}:{envelope.subject}"


def _at(handled: Handled[LiveCall], inbound: Inbound) -> Handled[LiveCall]:
    """The state with the offset of the event after which it holds."""
    if handled.state is None:
        return handled
    at = max(handled.state.at, inbound.position.offset)
    return Handled(handled.outputs, handled.state.model_copy(update={"at": at}), handled.held_from)


def _forwarded(inbound: Inbound) -> Outbound:
    return follow(inbound, inbound.payload, stage=STAGE, topic=_TOPIC)


def _part(event: Event) -> str:
    """What tells several events apart that follow from one."""
    if isinstance(event, TranscriptGap):
        return f"{event.channel}:{event.start_ms}"
    return f"{event.segment.segment_id}:{event.revision}"
