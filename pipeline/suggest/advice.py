"""From cards that fit to the suggestions that are published; the same for a whole call and for one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from pipeline.errors import Poison
from pipeline.handling import Inbound, Outbound, follow
from pipeline.ports import VectorStore
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Scenario, Scenarios
from pipeline.stages import SUGGESTIONS
from pipeline.suggest.known import Known
from pipeline.suggest.passages import passages_for
from pipeline.suggest.policy import expiry
from pipeline.suggest.reason import reason
from pipeline.suggest.text import fill, values_at
from pipeline.suggest.triggers import Firing, fire
from schemas.flow import FlowState
from schemas.suggestion import SuggestionCreated

STAGE: Final = "suggest"


@dataclass(frozen=True, slots=True)
class Advice:
    """A card that fits, with its slots filled."""

    firing: Firing
    text: str


@dataclass(frozen=True, slots=True)
class Advisor:
    """The playbook of one call, and the knowledge base that backs it."""

    scenario: Scenario
    edition: Edition
    store: VectorStore

    def fitting(self, inbound: Inbound, known: Known) -> Iterator[Advice]:
        """The cards that fit, in the playbook's order; one of which nothing can be said is none."""
        on = inbound.message.envelope.time.astimezone(UTC).date()
        for card in self.edition.playbook.cards:
            if (firing := fire(card, known, on)) is None:
                continue
            if (text := fill(card.text, values_at(known.entities, firing.until_ms))) is not None:
                yield Advice(firing, text)

    async def created(self, inbound: Inbound, state: FlowState, advice: Advice, suggestion_id: str) -> Outbound:
        """The suggestion with its reason and passages; raises what the store raises."""
        card, created_at = advice.firing.card, inbound.message.envelope.time
        passages = await passages_for(
            self.store,
            advice.text,
            tenant_id=inbound.tenant_id,
            scenario=self.scenario.id,
            language=self.edition.language,
        )
        suggestion = SuggestionCreated(
            call_id=state.call_id,
            suggestion_id=suggestion_id,
            call=state.call,
            revision=state.revision,
            lane=state.lane,
            card_id=card.id,
            title=card.title,
            text=advice.text,
            reason=reason(advice.firing, self.edition),
            priority=card.priority,
            approved_by=card.approved_by,
            at_ms=advice.firing.at_ms,
            created_at=created_at,
            expires_at=expiry(card, state.lane, created_at),
            evidence=advice.firing.evidence,
            passages=passages,
        )
        return follow(inbound, suggestion, stage=STAGE, topic=SUGGESTIONS, part=card.id)


def advisor(scenarios: Scenarios, store: VectorStore, inbound: Inbound, *, scenario: str, language: str) -> Advisor:
    """Who advises on this call.

    Raises:
        Poison: there is no scenario of this name.
    """
    try:
        found = scenarios(scenario, inbound.tenant_id)
    except ScenarioError as error:
        raise Poison(f"no suggestions for call {inbound.message.envelope.subject}: {error}") from error
    return Advisor(found, found.edition(language), store)
