"""The suggest stage: where a conversation stands becomes advice to the agent, from approved cards only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Final

from pipeline.errors import Poison
from pipeline.handling import Handler, Inbound, Outbound, follow
from pipeline.ids import stable_id
from pipeline.ports import VectorStore
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Scenario
from pipeline.stages import SUGGESTIONS
from pipeline.suggest.passages import passages_for
from pipeline.suggest.policy import choose, expiry
from pipeline.suggest.reason import reason
from pipeline.suggest.text import fill, values_at
from pipeline.suggest.triggers import Firing, fire
from schemas.flow import FlowState
from schemas.suggestion import SuggestionCreated

STAGE: Final = "suggest"


def build(*, scenarios: Callable[[str], Scenario], store: VectorStore) -> Handler:
    """The handler of ``flow.state``; what else travels on the topic is passed over.

    Args:
        scenarios: the scenario of an id; raises ``ScenarioError`` where there is none.
        store: holds the knowledge base.
    """

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        state = inbound.payload
        if not isinstance(state, FlowState):
            return ()
        scenario = _scenario(scenarios, state)
        edition = scenario.edition(state.insight.language)
        outputs: list[Outbound] = []
        for firing, text in _advice(inbound, state, edition):
            passages = await passages_for(
                store, text, tenant_id=inbound.tenant_id, scenario=scenario.id, language=edition.language
            )
            bare = _suggestion(inbound, state, firing, text, reason(firing, edition))
            created = bare.model_copy(update={"passages": passages})
            outputs.append(follow(inbound, created, stage=STAGE, topic=SUGGESTIONS, part=firing.card.id))
        return outputs

    return handle


def _scenario(scenarios: Callable[[str], Scenario], state: FlowState) -> Scenario:
    name = state.insight.provenance.scenario
    try:
        return scenarios(name)
    except ScenarioError as error:
        raise Poison(f"no suggestions for call {state.call_id}: {error}") from error


def _advice(inbound: Inbound, state: FlowState, edition: Edition) -> list[tuple[Firing, str]]:
    """The firings to show, each with its filled text; a card of which nothing can be said takes no place."""
    on = inbound.message.envelope.time.astimezone(UTC).date()
    texts: dict[str, str] = {}
    firings: list[Firing] = []
    for card in edition.playbook.cards:
        if (firing := fire(card, state, on)) is None:
            continue
        if (text := fill(card.text, values_at(state.insight.entities, firing.until_ms))) is not None:
            texts[card.id] = text
            firings.append(firing)
    return [(firing, texts[firing.card.id]) for firing in choose(firings)]


def _suggestion(inbound: Inbound, state: FlowState, firing: Firing, text: str, why: str) -> SuggestionCreated:
    card, created_at = firing.card, inbound.message.envelope.time
    return SuggestionCreated(
        call_id=state.call_id,
        suggestion_id=stable_id("suggestion", inbound.tenant_id, state.call_id, state.revision, card.id),
        call=state.call,
        revision=state.revision,
        lane=state.lane,
        card_id=card.id,
        title=card.title,
        text=text,
        reason=why,
        priority=card.priority,
        approved_by=card.approved_by,
        at_ms=firing.at_ms,
        created_at=created_at,
        expires_at=expiry(card, state.lane, created_at),
        evidence=firing.evidence,
    )
