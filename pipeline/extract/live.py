"""The extract stage of the live lane: each final segment is mined as it falls, the whole call when it has ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import structlog

from pipeline.conversation import segment_of
from pipeline.extract.findings import IntentExtractor
from pipeline.extract.insight import assemble_delta
from pipeline.extract.live_state import LiveConversation
from pipeline.extract.stage import STAGE, conversation_of, extract, mine
from pipeline.extract.stage import build as build_whole
from pipeline.handling import Handled, Inbound, Remembering, follow
from pipeline.privacy.entry import REACH_MS, guarded, masked_among
from pipeline.scenarios.model import Scenario
from pipeline.stages import intents
from schemas.call import CallEnded, CallStarted, CallUpdated
from schemas.insight import IntentExtracted
from schemas.transcript import ConversationMessage, Segment, TranscriptCompleted, TranscriptSegment
from schemas.wire import CallEvent, Lane

CONTEXT_TURNS: Final = 12
"""Turns before the newest that the extractor is shown with it: what "yes, that one" stands on was said a few turns
before, and the prompt is no longer at the end of a call than at its beginning (some 300 tokens of talk).
"""

log = structlog.get_logger()


def build(
    *,
    extractor: IntentExtractor,
    scenarios: Callable[[str], Scenario],
    default_scenario: str,
    context_turns: int = CONTEXT_TURNS,
) -> Remembering[LiveConversation]:
    """The handler of a call that goes on: its segments, its messages, and the events of its life.

    - A final segment or a message gives ``intent.extracted``: what was found in it, and in earlier ones of which it
      showed that they hold a part of a personal number; whatever was found in these segments before is replaced.
      A higher revision of a segment replaces the lower; partial segments are passed over.
    - ``call.ended`` gives the ``call.insight`` of all words, as the batch lane gives it. What comes after that is put
      in its place and gives the insight again, as the next revision.
    - A ``transcript.completed`` is a whole call and gives its insight.

    Nothing is mined, and no words are kept, of a customer who has not consented.

    Args:
        extractor: mines intents, outcome and summary; is not asked about a text without words.
        scenarios: the scenario of an id; raises ``ScenarioError`` where there is none.
        default_scenario: for calls that name none.
        context_turns: how many earlier turns the extractor is shown; 0 for one that looks at each by itself.
    """
    return _LiveExtract(extractor, scenarios, default_scenario, context_turns)


class _LiveExtract:
    remembers: type[LiveConversation] = LiveConversation

    def __init__(
        self,
        extractor: IntentExtractor,
        scenarios: Callable[[str], Scenario],
        default_scenario: str,
        context_turns: int,
    ) -> None:
        self._extractor = extractor
        self._scenarios = scenarios
        self._default_scenario = default_scenario
        self._context_turns = context_turns
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
                ended = call.model_copy(update={"ended": True, "duration_ms": event.duration_ms})
                return await self._insight(inbound, ended)
            case TranscriptCompleted():
                return Handled(await self._whole(inbound))
            case _:
                return Handled()

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
        found = await self._found(inbound, now, changed)
        return Handled((follow(inbound, found, stage=STAGE, topic=intents(Lane.LIVE)),), now)

    async def _found(self, inbound: Inbound, call: LiveConversation, newest: tuple[Segment, ...]) -> IntentExtracted:
        window = call.window(newest, self._context_turns) if _has_words(newest) else ()
        shown = _transcript(inbound, call, window)
        conversation = conversation_of(shown, self._scenarios, self._default_scenario)
        findings = await extract(inbound.tenant_id, shown, conversation, self._extractor)
        return assemble_delta(inbound.tenant_id, _transcript(inbound, call, newest), conversation, findings)

    async def _insight(self, inbound: Inbound, call: LiveConversation) -> Handled[LiveConversation]:
        """The insight of all words so far, as the next revision; of a call in which nothing was said there is none."""
        transcript = _transcript(inbound, call, tuple(call.segments()))
        conversation = conversation_of(transcript, self._scenarios, self._default_scenario)
        if not conversation.segments and not call.revision:
            return Handled(state=call)
        insight = await mine(inbound.tenant_id, transcript, conversation, self._extractor)
        published = call.model_copy(update={"revision": insight.revision})
        return Handled((follow(inbound, insight, stage=STAGE, topic=intents(Lane.LIVE)),), published)


def _has_words(segments: Iterable[Segment]) -> bool:
    return any(segment.text.strip() for segment in segments)


def _transcript(inbound: Inbound, call: LiveConversation, segments: tuple[Segment, ...]) -> TranscriptCompleted:
    """These segments as a transcript of the revision that comes next."""
    assert isinstance(inbound.payload, CallEvent)
    return TranscriptCompleted(
        call_id=inbound.payload.call_id,
        call=call.call,
        revision=call.revision + 1,
        lane=Lane.LIVE,
        duration_ms=max((call.duration_ms or 0, *(segment.end_ms for segment in segments))),
        engine="live",
        segments=segments,
    )
