from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from live_events import START, TENANT, inbound, payloads, run, run_in_memory, segment

from pipeline.flow.live import LiveFlow, build
from pipeline.flow.path import path_of
from pipeline.flow.stage import build as build_whole
from pipeline.handling import Inbound
from schemas.call import CallEnded
from schemas.flow import FlowPath, FlowState, Guidance, NextStep
from schemas.insight import CallInsight, Evidence, Extractor, Intent, IntentExtracted, Provenance
from schemas.wire import CallEvent, CallFacts, Lane, Role

MADE = Provenance(extractor=Extractor.LEXICAL, model="m", scenario="telecom", scenario_version=1)


def intent(name: str, number: int, role: Role = Role.CUSTOMER) -> Intent:
    spoken = segment(number, name, role)
    evidence = Evidence(
        segment_id=spoken.segment_id, role=role, start_ms=spoken.start_ms, end_ms=spoken.end_ms, quote=name
    )
    return Intent(intent_id=f"{name}-{number}", name=name, role=role, topic="t", confidence=0.9, evidence=(evidence,))


def heard(number: int, *names: str) -> IntentExtracted:
    return IntentExtracted(
        call_id="c1",
        call=CallFacts(agent="ann"),
        language="en",
        segments=(segment(number, " ".join(names)),),
        intents=tuple(intent(name, number) for name in names),
        provenance=MADE,
    )


def whole(*intents: Intent, revision: int = 1) -> CallInsight:
    return CallInsight(
        call_id="c1",
        revision=revision,
        lane=Lane.LIVE,
        language="en",
        duration_ms=9_000,
        intents=intents,
        provenance=MADE,
    )


def events(*payloads: CallEvent) -> list[Inbound]:
    return [inbound(payload, offset) for offset, payload in enumerate(payloads)]


async def published(*sent: CallEvent) -> list[object]:
    return payloads((await run(build(), events(*sent)))[0])


def labels(payload: object) -> list[str]:
    assert isinstance(payload, FlowState)
    return [step.label for step in payload.path]


async def test_each_piece_moves_the_call_on_along_its_path_and_is_carried_along() -> None:
    outputs, _ = await run(build(), events(heard(1, "greet"), heard(2), heard(3, "object", "leave")))
    assert [output.topic for output in outputs] == ["calls.flow.live"] * 3
    one, two, three = payloads(outputs)
    assert (labels(one), labels(two), labels(three)) == (["greet"], ["greet"], ["greet", "leave", "object"])
    assert isinstance(three, FlowState)
    assert (three.heard, three.insight) == (heard(3, "object", "leave"), None)
    assert (three.lane, three.revision, three.call.agent) == (Lane.LIVE, 1, "ann")


async def test_a_piece_that_comes_late_is_put_in_its_place_and_repeats_are_one_step() -> None:
    *_, last = await published(heard(1, "greet"), heard(5, "leave"), heard(6, "leave"), heard(3, "object"))
    assert labels(last) == ["greet", "object", "leave"]
    assert isinstance(last, FlowState)
    assert [step.at_ms for step in last.path] == [5_000, 15_000, 25_000]


async def test_what_was_found_in_a_segment_replaces_what_was_found_in_it_before() -> None:
    *_, last = await published(heard(1, "greet"), heard(2, "leave"), heard(2, "stay"))
    assert labels(last) == ["greet", "stay"]


async def test_the_insight_gives_state_and_path_as_in_the_batch_lane() -> None:
    insight = whole(intent("object", 2), intent("greet", 1))
    outputs, state = await run(build(), events(heard(1, "wrong"), insight))
    assert outputs[1:] == list(await build_whole()(inbound(insight, 1)))
    assert [output.topic for output in outputs[1:]] == ["calls.flow.live", "flow.paths"]
    assert state == LiveFlow(whole=True)


async def test_a_later_insight_gives_its_own_revision_and_a_late_piece_nothing() -> None:
    sent = (whole(intent("a", 1)), heard(2, "b"), whole(intent("a", 1), intent("b", 2), revision=2))
    *_, state, path = await published(*sent)
    assert len(await published(*sent)) == 4
    assert isinstance(state, FlowState)
    assert isinstance(path, FlowPath)
    assert (labels(state), state.revision, path.revision) == (["a", "b"], 2, 2)


async def test_a_call_that_goes_on_is_guided_by_where_it_is_and_when_and_a_whole_one_is_not() -> None:
    asked: list[tuple[object, ...]] = []

    def guide(tenant_id: str, scenario: str, labels: Sequence[str], at: datetime) -> Guidance | None:
        asked.append((tenant_id, scenario, tuple(labels), at))
        return Guidance(next=(NextStep(label="leave", probability=0.5, seen=3.0),)) if "object" in labels else None

    sent = [inbound(heard(1, "greet"), 0, at_s=5), inbound(heard(2, "object"), 1, at_s=9), inbound(whole(), 2)]
    outputs, _ = await run(build(guide), sent)
    states = [one for one in payloads(outputs) if isinstance(one, FlowState)]
    told = [None if state.guidance is None else state.guidance.next[0].label for state in states]
    assert told == [None, "leave", None]
    assert asked == [
        (TENANT, "telecom", ("greet",), START + timedelta(seconds=5)),
        (TENANT, "telecom", ("greet", "object"), START + timedelta(seconds=9)),
    ]


async def test_other_events_are_passed_over() -> None:
    assert await published(CallEnded(call_id="c1")) == []


PIECES = st.builds(
    lambda number, names: heard(number, *names),
    st.integers(0, 6),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
)


@given(st.lists(PIECES, max_size=10))
async def test_the_path_so_far_is_the_path_of_the_intents_so_far(pieces: list[IntentExtracted]) -> None:
    newest = {piece.segments[0].segment_id: piece for piece in pieces}
    states = await published(*pieces)
    expected = path_of(intent for piece in newest.values() for intent in piece.intents)
    assert not states or (isinstance(states[-1], FlowState) and states[-1].path == expected)


@given(st.lists(st.one_of(PIECES, PIECES, st.just(whole(intent("a", 1)))), max_size=10), st.sets(st.integers(0, 10)))
async def test_a_call_gives_the_same_however_often_its_worker_is_killed(
    sent: list[CallEvent], killed_at: set[int]
) -> None:
    undisturbed = await run_in_memory(build(), events(*sent))
    assert (await run(build(), events(*sent), killed_at=killed_at))[0] == undisturbed
    assert len({output.message.envelope.id for output in undisturbed}) == len(undisturbed)
