from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.graph import END, START
from pipeline.flow.mining import MinedFlow, Walk, mined

WALKS = st.lists(
    st.builds(
        lambda labels, result: Walk(tuple(labels), result=result),
        st.lists(st.sampled_from("abcde"), max_size=7),
        st.sampled_from([None, "won", "lost", "open"]),
    ),
    max_size=12,
)


@given(WALKS)
def test_what_comes_into_a_step_goes_out_of_it(walks: list[Walk]) -> None:
    flow = mined(walks)
    coming, going = Counter[str](), Counter[str]()
    shares: defaultdict[str, float] = defaultdict(float)
    for one in flow.edges:
        coming[one.target] += one.count
        going[one.source] += one.count
        shares[one.source] += one.probability
        assert one.calls <= one.count
        assert one.ended.won + one.ended.lost <= one.calls
    inner = [step for step in flow.steps if step.label not in {START, END} and not step.closes]
    assert all(coming[step.label] == going[step.label] for step in inner)
    assert all(share == pytest.approx(1) for share in shares.values())
    assert coming[END] == going[START] == len(walks)


@given(WALKS, st.randoms())
def test_the_order_of_conversations_does_not_matter(walks: list[Walk], random: object) -> None:
    mixed = list(walks)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert mined(mixed) == mined(walks)


def test_repeats_returns_and_outcomes_are_counted_by_call() -> None:
    flow = mined(
        [
            Walk(("ask", "ask", "offer", "ask"), result="won"),
            Walk(("ask", "offer"), result="lost"),
            Walk(("ask",), result="open"),
            Walk(("ask", "offer")),
        ]
    )
    (ask,) = (step for step in flow.steps if step.label == "ask")
    assert (ask.count, ask.calls, ask.share, ask.again, ask.repeats) == (5, 4, 1.0, 1, 1)
    assert (ask.ended.won, ask.ended.lost, ask.ended.rate) == (1, 1, 0.5)
    (back,) = (one for one in flow.edges if (one.source, one.target) == ("offer", "ask"))
    assert (back.count, back.ended.rate, back.kept) == (1, 1.0, False)
    (forth,) = (one for one in flow.edges if (one.source, one.target) == ("ask", "offer"))
    assert forth.kept
    assert forth.probability == pytest.approx(3 / 5)


def test_the_time_of_an_edge_is_from_start_to_start_in_the_median() -> None:
    flow = mined(
        [
            Walk(("ask", "offer"), (1_000, 5_000), 9_000),
            Walk(("ask", "offer"), (0, 8_000), 9_500),
            Walk(("ask", "offer"), (2_000, 4_000), None),
            Walk(("ask", "offer")),
        ]
    )
    times = {(one.source, one.target): one.median_ms for one in flow.edges}
    assert times == {(START, "ask"): 1_000, ("ask", "offer"): 4_000, ("offer", END): 2_750}


def test_the_document_has_nodes_and_edges_as_other_programs_read_them() -> None:
    document = mined([Walk(("a", "b"), result="won")] * 3).document()
    assert {one["label"] for one in document["nodes"]} == {START, "a", "b", END}
    (found,) = (one for one in document["edges"] if (one["from"], one["to"]) == ("a", "b"))
    assert (found["count"], found["probability"], found["kept"]) == (3, 1.0, True)


def test_no_conversations_have_no_flow() -> None:
    assert mined([]) == MinedFlow(0, (), (), ())
