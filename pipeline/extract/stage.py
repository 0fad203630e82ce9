"""The extract stage: a whole transcript becomes the insight of its call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.errors import Poison
from pipeline.extract.findings import Conversation, Findings, IntentExtractor
from pipeline.extract.insight import assemble
from pipeline.extract.summary import empty_summary
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Scenarios
from pipeline.stages import intents
from schemas.insight import CallInsight, Extractor, Provenance
from schemas.transcript import TranscriptCompleted

STAGE: Final = "extract"


def build(*, extractor: IntentExtractor, scenarios: Scenarios, default_scenario: str) -> Handler:
    """The handler of ``transcript.completed``; what else travels on the topic is passed over.

    Args:
        extractor: mines intents, outcome and summary; is not asked about a conversation without words.
        scenarios: what there is to be found in calls.
        default_scenario: for calls that name none.
    """

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        transcript = inbound.payload
        if not isinstance(transcript, TranscriptCompleted):
            return ()
        conversation = conversation_of(transcript, scenarios, default_scenario, inbound.tenant_id)
        insight = await mine(inbound.tenant_id, transcript, conversation, extractor)
        return (follow(inbound, insight, stage=STAGE, topic=intents(transcript.lane)),)

    return handle


async def mine(
    tenant_id: str, transcript: TranscriptCompleted, conversation: Conversation, extractor: IntentExtractor
) -> CallInsight:
    """The insight of one conversation; raises what the extractor raises."""
    findings = await extract(transcript, conversation, extractor)
    return assemble(tenant_id, transcript, conversation, findings)


async def extract(transcript: TranscriptCompleted, conversation: Conversation, extractor: IntentExtractor) -> Findings:
    """What the extractor finds; where no word was said it is not asked."""
    if not conversation.segments:
        return _nothing(conversation, transcript.empty_because)
    return await extractor.extract(conversation)


def conversation_of(
    transcript: TranscriptCompleted, scenarios: Scenarios, default_scenario: str, tenant_id: str
) -> Conversation:
    """The words of a transcript with the scenario and the language that they are mined by.

    Raises:
        Poison: there is no scenario of this name.
    """
    try:
        scenario = scenarios(transcript.call.scenario or default_scenario, tenant_id)
    except ScenarioError as error:
        raise Poison(f"the call cannot be mined: {error}") from error
    spoken = (segment for segment in transcript.segments if segment.text.strip())
    return Conversation(
        segments=tuple(sorted(spoken, key=lambda segment: (segment.start_ms, segment.channel))),
        duration_ms=transcript.duration_ms,
        scenario=scenario,
        edition=scenario.edition(transcript.language or transcript.call.language),
        subject=f"{tenant_id}:{transcript.call_id}",
    )


def _nothing(conversation: Conversation, reason: str | None) -> Findings:
    return Findings(
        intents=(),
        outcome=None,
        summary=empty_summary(conversation.edition, reason),
        provenance=Provenance(
            extractor=Extractor.LEXICAL,
            model="none",
            scenario=conversation.scenario.id,
            scenario_version=conversation.scenario.version,
        ),
    )
