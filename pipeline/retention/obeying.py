"""The index stage as the rules have it: what is due already is not stored again, wherever it was read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.retention.kinds import KindName
from pipeline.retention.rules import Rules
from schemas.insight import CallInsight, IntentExtracted
from schemas.suggestion import SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn
from schemas.transcript import ConversationMessage, TranscriptCompleted, TranscriptSegment
from schemas.wire import CallFacts, Payload

_KINDS: Final[Mapping[type[Payload], KindName]] = {
    **dict.fromkeys((TranscriptCompleted, TranscriptSegment, ConversationMessage), "transcripts"),
    **dict.fromkeys((CallInsight, IntentExtracted), "intents"),
    **dict.fromkeys((SuggestionCreated, SuggestionFeedback, SuggestionWithdrawn), "suggestions"),
}
"""What an event is stored as; others are of the call itself."""


def unexpired(rules: Rules, handler: Handler, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Handler:
    """The same handler, to which events are not handed in whose call began longer ago than their kind is kept.

    So a replay, or a recording of years ago, brings nothing back that ``convmine retention apply`` has removed. An
    event that does not say when its call began counts from its own time.
    """

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        kind = _KINDS.get(type(inbound.payload), "calls")
        return () if rules.expired(kind, inbound.tenant_id, _began(inbound), now()) else await handler(inbound)

    return handle


def _began(inbound: Inbound) -> datetime:
    facts = getattr(inbound.payload, "call", None)
    started = facts.started_at if isinstance(facts, CallFacts) else None
    return started or inbound.message.envelope.time
