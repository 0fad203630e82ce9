from __future__ import annotations

from datetime import UTC, datetime

from pipeline.flow.stage import build
from pipeline.handling import Inbound, Position
from schemas.envelope import message
from schemas.flow import FlowPath, FlowState
from schemas.insight import CallInsight, Evidence, Extractor, Intent, Provenance
from schemas.transcript import TranscriptCompleted
from schemas.wire import Lane, Payload, Role

AT = datetime(2026, 3, 1, tzinfo=UTC)


def inbound(payload: Payload) -> Inbound:
    event = message(payload, id="e1", source="/test", time=AT, subject="c1", tenant_id="acme")
    return Inbound(event, Position("calls.intents.batch", 0, 7))


def insight(lane: Lane = Lane.BATCH) -> CallInsight:
    said = Evidence(segment_id="s1", role=Role.CUSTOMER, start_ms=100, end_ms=900, quote="too much")
    return CallInsight(
        call_id="c1",
        revision=2,
        lane=lane,
        language="en",
        duration_ms=5_000,
        intents=(Intent(intent_id="i1", name="price_objection", role=Role.CUSTOMER, confidence=1.0, evidence=(said,)),),
        provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario="telecom", scenario_version=1),
    )


async def test_an_insight_becomes_a_state_and_a_path() -> None:
    state, path = await build()(inbound(insight()))
    assert (state.topic, path.topic) == ("calls.flow.batch", "flow.paths")
    assert isinstance(state.message.payload, FlowState)
    assert state.message.payload.insight == insight()
    assert [step.label for step in state.message.payload.path] == ["price_objection"]
    assert isinstance(path.message.payload, FlowPath)
    assert (path.message.payload.steps, path.message.payload.revision) == (state.message.payload.path, 2)


async def test_the_state_goes_to_the_lane_of_its_insight() -> None:
    state, _ = await build()(inbound(insight(Lane.LIVE)))
    assert state.topic == "calls.flow.live"


async def test_the_same_insight_again_gives_the_same_events() -> None:
    assert await build()(inbound(insight())) == await build()(inbound(insight()))


async def test_other_payloads_are_passed_over() -> None:
    transcript = TranscriptCompleted(call_id="c1", duration_ms=0, engine="e", segments=(), empty_because="silence")
    assert await build()(inbound(transcript)) == ()
