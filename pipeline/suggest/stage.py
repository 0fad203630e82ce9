"""The suggest stage: a whole conversation becomes advice for its follow-up, from approved cards only."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.ports import VectorStore
from pipeline.scenarios.model import Scenarios
from pipeline.suggest.advice import advisor
from pipeline.suggest.known import of_whole
from pipeline.suggest.policy import choose
from schemas.flow import FlowState


def build(*, scenarios: Scenarios, store: VectorStore) -> Handler:
    """The handler of ``flow.state`` with a whole call's insight; what else travels on the topic is passed over.

    Args:
        scenarios: whose cards there are.
        store: holds the knowledge base.
    """

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        state = inbound.payload
        if not isinstance(state, FlowState) or (insight := state.insight) is None:
            return ()
        made = insight.provenance
        who = advisor(scenarios, store, inbound, scenario=made.scenario, language=insight.language)
        fitting = {advice.firing.card.id: advice for advice in who.fitting(inbound, of_whole(insight))}
        chosen = [firing.card.id for firing in choose(advice.firing for advice in fitting.values())]
        return [
            await who.created(inbound, state, fitting[card], _id(inbound.tenant_id, state, card)) for card in chosen
        ]

    return handle


def _id(tenant_id: str, state: FlowState, card_id: str) -> str:
    return stable_id("suggestion", tenant_id, state.call_id, state.revision, card_id)
