"""How earlier calls went, as the graph of a day long closed: live calls are guided by it, and by nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from made_calls import TENANT

from pipeline.flow.graph import empty
from pipeline.flow.tally import Tally
from pipeline.handling import Outbound
from pipeline.scenarios.load import shipped
from pipeline.settings import KafkaSettings
from pipeline.stages import GRAPH
from schemas.envelope import message
from schemas.flow import FlowPath, Step
from schemas.wire import Role
from workers.edge import Edge
from workers.records import NewRecord, write_event

SCENARIO = "telecom"
COMES_NEXT = "price_objection"
"""What most of them came to after any step; the playbook has a card for who expects it."""
_DAY = datetime(2026, 2, 20, tzinfo=UTC)
_CALLS = 25


def publish_past_calls(kafka: KafkaSettings) -> None:
    """Publish the version of that day."""
    with Edge(kafka).publishing() as publish:
        publish([past_calls()])


def past_calls() -> NewRecord:
    """Its record: each step of the scenario, and what came after it."""
    tally = Tally(empty(TENANT, SCENARIO, 0), half_life_days=90)
    offset = 0
    for intent in shipped(SCENARIO).edition("en").taxonomy.intents:
        for number in range(_CALLS):
            steps = (_step(intent.name, 0), _step(COMES_NEXT, 5_000))
            call_id = f"past-{intent.name}-{number}"
            path = FlowPath(call_id=call_id, scenario=SCENARIO, steps=steps, duration_ms=9_000)
            tally.add(path, offset, _DAY)
            offset += 1
    version = tally.graph().model_copy(update={"period": _DAY, "period_s": 86_400})
    key = f"{TENANT}:{SCENARIO}:0:0"
    told = message(
        version, id="past", source="/test", time=_DAY, subject=SCENARIO, tenant_id=TENANT, key=key, traceparent=None
    )
    return write_event(Outbound(GRAPH, told, partition=0))


def _step(label: str, at_ms: int) -> Step:
    return Step(label=label, role=Role.CUSTOMER, at_ms=at_ms)
