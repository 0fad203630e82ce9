from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.path import flow_path, path_of
from schemas.call import OutcomeResult
from schemas.insight import CallInsight, Evidence, Extractor, InferredOutcome, Intent, Provenance
from schemas.wire import Role


def intent(name: str, *starts: int, role: Role = Role.CUSTOMER, topic: str | None = None) -> Intent:
    said = tuple(
        Evidence(segment_id=f"s{start}", role=role, start_ms=start, end_ms=start + 500, quote=name) for start in starts
    )
    return Intent(intent_id=f"{name}-{starts}", name=name, role=role, topic=topic, confidence=0.9, evidence=said)


def labels(*intents: Intent) -> list[str]:
    return [step.label for step in path_of(intents)]


def test_steps_are_in_order_of_time_whichever_side_took_them() -> None:
    offer = intent("make_offer", 4_000, role=Role.AGENT, topic="sale")
    steps = path_of([intent("accept_offer", 6_000), offer, intent("ask_price", 1_000)])
    assert [(step.label, step.role, step.topic, step.at_ms) for step in steps] == [
        ("ask_price", Role.CUSTOMER, None, 1_000),
        ("make_offer", Role.AGENT, "sale", 4_000),
        ("accept_offer", Role.CUSTOMER, None, 6_000),
    ]


def test_a_label_said_again_at_once_is_one_step_and_later_on_another() -> None:
    assert labels(intent("a", 1), intent("a", 2), intent("b", 3), intent("a", 4)) == ["a", "b", "a"]


def test_a_step_stands_at_its_earliest_evidence() -> None:
    assert path_of([intent("a", 900, 100)])[0].at_ms == 100


def test_no_intents_make_an_empty_path() -> None:
    assert path_of([]) == ()


@given(st.permutations([intent(name, at) for name in "abc" for at in (0, 0, 1_000)]))
def test_the_order_in_which_intents_were_found_does_not_matter(intents: list[Intent]) -> None:
    assert labels(*intents) == ["a", "b", "c", "a", "b", "c"]


def test_the_finished_path_carries_the_inferred_outcome() -> None:
    insight = CallInsight(
        call_id="c1",
        revision=1,
        language="en",
        duration_ms=9_000,
        intents=(intent("a", 10),),
        outcome_inferred=InferredOutcome(name="bought", result=OutcomeResult.WON, reason="said so"),
        provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario="telecom", scenario_version=1),
    )
    path = flow_path(insight, path_of(insight.intents))
    assert (path.scenario, path.outcome, path.result, path.duration_ms) == ("telecom", "bought", "won", 9_000)
