"""The extract stage of the live lane: what is said is mined at the ends of turns, the whole call when it has ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import structlog

from pipeline.conversation import segment_of
from pipeline.errors import Poison
from pipeline.extract.findings import Conversation, IntentExtractor
from pipeline.extract.insight import assemble_delta
from pipeline.extract.live_pace import Pace
from pipeline.extract.live_state import LiveConversation
from pipeline.extract.stage import STAGE, conversation_of, extract, mine
from pipeline.extract.stage import build as build_whole
from pipeline.extract.whole_summary import bounded
from pipeline.handling import Handled, Inbound, Remembering, follow
from pipeline.privacy.entry import REACH_MS, guarded, masked_among
from pipeline.scenarios.model import Scenarios
from pipeline.stages import intents
from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.insight import Extractor, IntentExtracted
from schemas.transcript import ConversationMessage, Segment, TranscriptCompleted, TranscriptGap, TranscriptSegment
from schemas.wire import CallEvent, Lane, Payload

CONTEXT_TURNS: Final = 12
"""Turns before the newest that the extractor is shown with it: what "yes, that one" stands on was said a few turns
before, and the prompt is no longer at the end of a call than at its beginning (some 300 tokens of talk).
"""
EVERY_S: Final = 15.0
"""Seconds of a call between two questions to a language model."""
_SO_FAR: Final = 600
"""Characters of the running summary: some four sentences, 150 tokens of each prompt."""

log = structlog.get_logger()


def build(
    *,
    extractor: IntentExtractor,
    scenarios: Scenarios,
    default_scenario: str,
    context_turns: int = CONTEXT_TURNS,
    every_s: float = 0.0,
) -> Remembering[LiveConversation]:
    """The handler of a call that goes on: its segments, its messages, and the events of its life.

    - A final segment or a message is a turn that ended, and gives ``intent.extracted``: what was found in it, in all
      that waited, and in earlier ones of which it showed that they hold a part of a personal number; whatever was found
      in these segments before is replaced. A higher revision of a segment replaces the lower.
    - With ``every_s`` a turn that ends sooner after the last extraction waits, and so does what comes, until one ends
      later than that, or something else tells that the time is over (a partial segment, a gap, a call held or resumed).
      Only what was published and must be masked is told at once. What waits is remembered, so that nothing is lost.
    - ``call.ended`` gives the ``call.insight`` of all words, what waits among them, as the batch lane gives it. What
      comes after that is put in its place and gives the insight again, as the next revision.
    - A ``transcript.completed`` is a whole call and gives its insight.

    Nothing is mined, and no words are kept, of a customer who has not consented.

    Args:
        extractor: mines intents, outcome and summary; is not asked about a text without words.
        scenarios: what there is to be found in calls.
        default_scenario: for calls that name none.
        context_turns: how many earlier turns the extractor is shown; 0 for one that looks at each by itself.
        every_s: the least time of the call between two extractions, in seconds; with 0 none waits.
    """
    return _LiveExtract(extractor, scenarios, default_scenario, context_turns, round(every_s * 1_000))


class _LiveExtract:
    remembers: type[LiveConversation] = LiveConversation

    def __init__(
        self,
        extractor: IntentExtractor,
        scenarios: Scenarios,
        default_scenario: str,
        context_turns: int,
        every_ms: int,
    ) -> None:
        self._extractor = extractor
        self._scenarios = scenarios
        self._default_scenario = default_scenario
        self._context_turns = context_turns
        self._every_ms = every_ms
        self._whole = guarded(build_whole(extractor=extractor, scenarios=scenarios, default_scenario=default_scenario))

    async def __call__(self, inbound: Inbound, state: LiveConversation | None) -> Handled[LiveConversation]:
        """Take one event of a call.

        Raises:
            Retryable: a model's server is away.
            Poison: there is no such scenario, or no valid answer came; the call goes on without this event.
        """
        call = state or LiveConversation()
        match inbound.payload:
            case CallStarted() | CallUpdated() as event:
                now = call.told(event.call, may_consent=True)
                if not now.may_be_mined:
                    log.info("call.not_mined", call_id=event.call_id, reason="the call has no consent")
                begins = isinstance(event, CallStarted)
                return Handled(state=now.starting(inbound.message.envelope.time) if begins else now)
            case TranscriptSegment(final=True) as event:
                call = call.told(event.call).starting(inbound.message.envelope.time)
                return await self._heard(inbound, call, event.segment, event.revision)
            case ConversationMessage() as event:
                call = call.told(event.call).starting(event.sent_at)
                return await self._heard(inbound, call, segment_of(event, inbound.tenant_id, call.start), 1)
            case CallEnded() as event if not call.ended:
                ended = call.model_copy(update={"ended": True, "duration_ms": event.duration_ms, "pace": Pace()})
                return await self._insight(inbound, ended)
            case TranscriptCompleted():
                return Handled(await self._whole(inbound))
            case other:
                return await self._passed(inbound, call, _time_told(other))

    async def _heard(
        self, inbound: Inbound, call: LiveConversation, segment: Segment, revision: int
    ) -> Handled[LiveConversation]:
        before = call.turn(segment.segment_id)
        if not call.may_be_mined or (before is not None and before.revision >= revision):
            return Handled(state=call)
        changed = masked_among(segment, call.near(segment, REACH_MS), call.call.language)
        now = call.heard(changed, segment.segment_id, revision)
        if before is None and not _has_words(changed):
            return Handled(state=now)
        if now.ended:
            return await self._insight(inbound, now)
        now = now.model_copy(update={"pace": call.pace.heard(one.segment_id for one in changed)})
        must_be_masked = {one.segment_id for one in changed} - {segment.segment_id, *call.pace.waiting}
        if must_be_masked or now.pace.is_due(segment.end_ms, self._every_ms):
            return await self._mined(inbound, now, segment.end_ms, changed)
        return Handled(state=now)

    async def _passed(self, inbound: Inbound, call: LiveConversation, at_ms: int | None) -> Handled[LiveConversation]:
        """What waits, if so much time has passed."""
        if at_ms is None or not call.pace.is_due(at_ms, self._every_ms):
            return Handled()
        return await self._mined(inbound, call, at_ms)

    async def _mined(
        self, inbound: Inbound, call: LiveConversation, at_ms: int, fresh: tuple[Segment, ...] = ()
    ) -> Handled[LiveConversation]:
        """What was found in all that waits, the ``fresh`` ones among it.

        Where no valid answer comes, what waited before is left to the insight of the whole call, so that it does not
        spoil every event that follows; only the fresh ones alone are poison.
        """
        waiting = call.waiting(fresh)
        try:
            found, so_far = await self._found(inbound, call, waiting, self._context_turns)
        except Poison as error:
            if len(waiting) == len(fresh):
                raise
            log.warning("extract.left_to_the_end", call_id=_call_id(inbound), reason=error.message)
            now = call.model_copy(update={"pace": call.pace.mined(at_ms, call.pace.so_far)})
            if not fresh:
                return Handled(state=now)
            found, so_far = await self._found(inbound, call, fresh, context_turns=0)
        now = call.model_copy(update={"pace": call.pace.mined(at_ms, so_far)})
        return Handled((follow(inbound, found, stage=STAGE, topic=intents(Lane.LIVE)),), now)

    async def _found(
        self, inbound: Inbound, call: LiveConversation, newest: tuple[Segment, ...], context_turns: int
    ) -> tuple[IntentExtracted, str]:
        """What was found in the newest segments, and the summary of the call so far."""
        window = call.window(newest, context_turns) if _has_words(newest) else ()
        shown = _transcript(inbound, call, window)
        conversation = replace(self._conversation(inbound, shown), so_far=call.pace.so_far)
        findings = await extract(shown, conversation, self._extractor)
        by_model = findings.provenance.extractor is Extractor.LLM
        so_far = bounded(findings.summary, _SO_FAR) if by_model else call.pace.so_far
        return assemble_delta(inbound.tenant_id, _transcript(inbound, call, newest), conversation, findings), so_far

    def _conversation(self, inbound: Inbound, transcript: TranscriptCompleted) -> Conversation:
        return conversation_of(transcript, self._scenarios, self._default_scenario, inbound.tenant_id)

    async def _insight(self, inbound: Inbound, call: LiveConversation) -> Handled[LiveConversation]:
        """The insight of all words so far, as the next revision; of a call in which nothing was said there is none."""
        transcript = _transcript(inbound, call, tuple(call.segments()))
        conversation = self._conversation(inbound, transcript)
        if not conversation.segments and not call.revision:
            return Handled(state=call)
        insight = await mine(inbound.tenant_id, transcript, conversation, self._extractor)
        published = call.model_copy(update={"revision": insight.revision})
        return Handled((follow(inbound, insight, stage=STAGE, topic=intents(Lane.LIVE)),), published)


def _time_told(payload: Payload) -> int | None:
    """How far the call has come, by an event that brings no words to mine."""
    match payload:
        case TranscriptSegment(segment=partial):
            return partial.end_ms
        case TranscriptGap(end_ms=at_ms) | CallHeld(at_ms=at_ms) | CallResumed(at_ms=at_ms):
            return at_ms
        case _:
            return None


def _has_words(segments: Iterable[Segment]) -> bool:
    return any(segment.text.strip() for segment in segments)


def _transcript(inbound: Inbound, call: LiveConversation, segments: tuple[Segment, ...]) -> TranscriptCompleted:
    """These segments as a transcript of the revision that comes next."""
    return TranscriptCompleted(
        call_id=_call_id(inbound),
        call=call.call,
        revision=call.revision + 1,
        lane=Lane.LIVE,
        duration_ms=max((call.duration_ms or 0, *(segment.end_ms for segment in segments))),
        engine="live",
        segments=segments,
    )


def _call_id(inbound: Inbound) -> str:
    assert isinstance(inbound.payload, CallEvent)
    return inbound.payload.call_id
