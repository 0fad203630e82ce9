"""The suggest stage: a whole conversation becomes advice for its follow-up, from approved cards only."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.figures import SUGGESTED, NoMeter
from pipeline.handling import Handler, Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.ports import Meter, VectorStore
from pipeline.scenarios.model import Scenarios
from pipeline.suggest.advice import advisor
from pipeline.suggest.known import of_whole
from pipeline.suggest.policy import choose
from pipeline.suggest.track_record import TrackRecords, nothing_known
from schemas.flow import FlowState


def build(
    *, scenarios: Scenarios, store: VectorStore, records: TrackRecords = nothing_known, meter: Meter | None = None
) -> Handler:
    """The handler of ``flow.state`` with a whole call's insight; what else travels on the topic is passed over.

    Args:
        scenarios: whose cards there are.
        store: holds the knowledge base.
        records: how each card has done; where more fit than are shown, those that do best go first.
        meter: counts the suggestions.
    """
    counts = meter or NoMeter()

    async def handle(inbound: Inbound) -> Sequence[Outbound]:
        state = inbound.payload
        if not isinstance(state, FlowState) or (insight := state.insight) is None:
            return ()
        made = insight.provenance
        who = advisor(scenarios, store, records, inbound, scenario=made.scenario, language=insight.language)
        fitting = {advice.key: advice for advice in who.fitting(inbound, of_whole(insight))}
        firings = (advice.firing for advice in fitting.values() if advice.firing is not None)
        outputs = []
        for firing in choose(firings, score=who.ranking().score):
            advice = await who.backed(fitting[firing.card.id])
            outputs.append(who.created(inbound, state, advice, _id(inbound.tenant_id, state, advice.key)))
            counts.count(SUGGESTED, kind=str(advice.kind), lane=str(state.lane), scenario=made.scenario)
        return outputs

    return handle


def _id(tenant_id: str, state: FlowState, card_id: str) -> str:
    return stable_id("suggestion", tenant_id, state.call_id, state.revision, card_id)
