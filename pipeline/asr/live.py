"""The live lane of asr: chunks of audio become final segments, each of them once, however often its worker is killed.

A chunk is held until all its audio is out. What is remembered of a call says up to where that is; the rest follows from
the chunks after it, which come again after a kill (``live_session``).
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from pipeline.asr.live_session import LiveSession
from pipeline.asr.live_state import LiveCall
from pipeline.asr.live_words import Event, Mask, Scribe, Subject
from pipeline.asr.stage import STAGE
from pipeline.asr.streaming_vad import Detectors
from pipeline.asr.vad import Rules, rules_of
from pipeline.handling import Handled, Holding, Inbound, Outbound, follow
from pipeline.ports import AsrEngine
from pipeline.settings import AudioSettings
from pipeline.stages import transcripts
from schemas.audio import AudioChunk
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.transcript import TranscriptSegment
from schemas.wire import Lane

_TOPIC: Final = transcripts(Lane.LIVE)
_log: Final = structlog.get_logger(__name__)


def build(
    *,
    engine: AsrEngine,
    settings: AudioSettings,
    mask: Mask,
    default_scenario: str | None = None,
    detectors: Detectors | None = None,
) -> Holding[LiveCall]:
    """The handler of ``calls.audio``: ``transcript.segment``, ``transcript.gap``, and the events of a call's life.

    Args:
        engine: recognises what was said between two cuts.
        settings: how speech is told and cut.
        mask: takes personal data out of the segments before they leave this process.
        default_scenario: for calls that name none.
        detectors: of speech; Silero's where not given.
    """
    return _LiveCalls(Scribe(engine, mask, default_scenario), rules_of(settings), detectors or Detectors())


class _LiveCalls:
    remembers = LiveCall

    def __init__(self, scribe: Scribe, rules: Rules, detectors: Detectors) -> None:
        self._scribe = scribe
        self._rules = rules
        self._detectors = detectors
        self._sessions: dict[str, LiveSession] = {}

    async def __call__(self, inbound: Inbound, state: LiveCall | None) -> Handled[LiveCall]:
        """Take one event of a call.

        Raises:
            Retryable: the engine is away; the same event may be handed in again.
            Poison: the audio of this chunk cannot be read, or does not fit to the call; the call goes on without it.
        """
        call = state or LiveCall()
        if call.ended:
            _log.info("event.dropped", call_id=inbound.message.envelope.subject, reason="the call has ended")
            return Handled()
        match inbound.payload:
            case AudioChunk() as chunk:
                return await self._chunk(inbound, chunk, call)
            case CallStarted() | CallUpdated() as event:
                return self._facts(inbound, event, call)
            case CallHeld() | CallResumed() | CallEnded() as event:
                return await self._break(inbound, event, call)
            case _:
                session = self._sessions.get(_key(inbound))
                return Handled(held_from=session.held_from if session else None)

    async def let_go(self, key: str, state: LiveCall | None) -> Handled[LiveCall]:
        """Cut every channel of this call where its audio ends now, and say what was said."""
        session = self._sessions.get(key)
        if session is None or session.newest is None:
            return Handled()
        await asyncio.to_thread(session.finish)
        return await self._say(session.newest, session, state or LiveCall())

    def forget(self, partition: int) -> None:
        """Drop the audio of the calls of this partition."""
        self._sessions = {key: it for key, it in self._sessions.items() if it.partition != partition}

    async def _chunk(self, inbound: Inbound, chunk: AudioChunk, call: LiveCall) -> Handled[LiveCall]:
        if call.facts.consent is False:
            return Handled()
        session = self._sessions.get(_key(inbound)) or self._session(inbound, call)
        if session.turn_to(inbound):
            await asyncio.to_thread(session.take, inbound, chunk)
            session.at = inbound.position.offset
            self._sessions[_key(inbound)] = session
        return await self._say(inbound, session, call)

    def _facts(self, inbound: Inbound, event: CallStarted | CallUpdated, call: LiveCall) -> Handled[LiveCall]:
        facts = call.facts.model_copy(update=event.call.model_dump(exclude_none=True))
        call = call.model_copy(update={"facts": facts})
        if facts.consent is False:
            # What came before is dropped with the rest; if consent is given later, the call is heard from then on.
            self._sessions.pop(_key(inbound), None)
            call = LiveCall(facts=facts, may_jump=True, segments=call.segments)
            _log.info("call.not_decoded", call_id=event.call_id, reason="the call has no consent")
        session = self._sessions.get(_key(inbound))
        return Handled((_forwarded(inbound),), call, session.held_from if session else None)

    async def _break(
        self, inbound: Inbound, event: CallHeld | CallResumed | CallEnded, call: LiveCall
    ) -> Handled[LiveCall]:
        """A pause or the end: all that was said before it is out before it."""
        said: Handled[LiveCall] = Handled()
        if (session := self._sessions.get(_key(inbound))) is not None:
            if session.turn_to(inbound):
                await asyncio.to_thread(session.finish)
                session.at = inbound.position.offset
            said = await self._say(inbound, session, call)
        call = (said.state or call).model_copy(update={"may_jump": True})
        if isinstance(event, CallEnded):
            call = LiveCall(segments=call.segments, ended=True)
            _log.info("call.heard", call_id=event.call_id, segments=call.segments)
        return Handled((*said.outputs, _forwarded(inbound)), call)

    async def _say(self, inbound: Inbound, session: LiveSession, call: LiveCall) -> Handled[LiveCall]:
        """What waits in the session becomes events that follow from this one; an emptied session is dropped."""
        outputs: tuple[Outbound, ...] = ()
        state: LiveCall | None = None
        if session.waiting or session.has_moved:
            subject = Subject(inbound.tenant_id, inbound.message.envelope.subject, session.roles)
            words = await self._scribe.write(session.waiting, call, subject)
            session.waiting = []
            state = session.remembered(words.call)
            outputs = tuple(follow(inbound, it, stage=STAGE, topic=_TOPIC, part=_part(it)) for it in words.events)
        if session.held_from is None:
            self._sessions.pop(_key(inbound), None)
        return Handled(outputs, state, session.held_from)

    def _session(self, inbound: Inbound, call: LiveCall) -> LiveSession:
        return LiveSession(call, inbound.position.partition, self._rules, self._detectors)


def _key(inbound: Inbound) -> str:
    envelope = inbound.message.envelope
    return f"{envelope.tenantid}:{envelope.subject}"


def _forwarded(inbound: Inbound) -> Outbound:
    return follow(inbound, inbound.payload, stage=STAGE, topic=_TOPIC)


def _part(event: Event) -> str:
    """What tells several events apart that follow from one."""
    if isinstance(event, TranscriptSegment):
        return event.segment.segment_id
    return f"{event.channel}:{event.start_ms}"
