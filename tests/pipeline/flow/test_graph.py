from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.graph import END, RECENT_CALLS, START, SummedGraph, empty, fold, is_new, merge
from schemas.call import OutcomeResult
from schemas.flow import FlowGraph, FlowPath, Step
from schemas.wire import Role


def path(call_id: str, *labels: str, result: OutcomeResult | None = None, revision: int = 1) -> FlowPath:
    steps = tuple(Step(label=label, role=Role.CUSTOMER, at_ms=1_000 * at) for at, label in enumerate(labels, 1))
    return FlowPath(
        call_id=call_id,
        scenario="telecom",
        revision=revision,
        steps=steps,
        duration_ms=1_000 * len(labels) + 500,
        result=result,
    )


def folded(paths: list[FlowPath], partition: int = 0) -> FlowGraph:
    graph = empty("acme", "telecom", partition)
    for offset, one in enumerate(paths):
        graph = fold(graph, one, offset)
    return graph


LABELS = st.lists(st.sampled_from("abcd"), max_size=6)
PATHS = st.lists(
    st.builds(
        lambda call, labels, result: path(str(call), *labels, result=result),
        st.integers(0, 10_000),
        LABELS,
        st.sampled_from([None, *OutcomeResult]),
    ),
    max_size=12,
)


@given(PATHS, st.integers(0, 12))
def test_folding_many_is_adding_up_the_folds_of_its_parts(paths: list[FlowPath], cut: int) -> None:
    assert merge([folded(paths)]) == merge([folded(paths[:cut], 0), folded(paths[cut:], 1)])


@given(PATHS.flatmap(lambda paths: st.tuples(st.just(paths), st.permutations(paths))))
def test_the_order_of_the_paths_does_not_matter(orders: tuple[list[FlowPath], list[FlowPath]]) -> None:
    one, other = orders
    assert merge([folded(one)]) == merge([folded(other)])


@given(PATHS)
def test_what_goes_into_a_step_comes_out_of_it(paths: list[FlowPath]) -> None:
    graph = folded(paths)
    into, out = Counter[str](), Counter[str]()
    for edge in graph.edges:
        into[edge.target] += edge.count
        out[edge.source] += edge.count
    for node in graph.nodes:
        assert node.count == (out if node.label == START else into)[node.label]
        if node.label not in {START, END}:
            assert into[node.label] == out[node.label]
    assert out[START] == into[END] == graph.paths == len(paths)


@given(PATHS)
def test_counts_are_those_of_counting_by_hand(paths: list[FlowPath]) -> None:
    walks = [[START, *(step.label for step in one.steps), END] for one in paths]
    edges = Counter(pair for walk in walks for pair in pairwise(walk))
    graph = folded(paths)
    assert {(edge.source, edge.target): edge.count for edge in graph.edges} == edges
    assert {node.label: node.calls for node in graph.nodes} == Counter(label for walk in walks for label in set(walk))


def test_outcomes_and_times_are_counted() -> None:
    graph = folded([path("1", "a", "b", result=OutcomeResult.WON), path("2", "a", "a", result=OutcomeResult.LOST)])
    nodes = {node.label: (node.count, node.calls, node.won, node.lost) for node in graph.nodes}
    assert nodes == {START: (2, 2, 1, 1), "a": (3, 2, 1, 1), "b": (1, 1, 1, 0), END: (2, 2, 1, 1)}
    times = {(edge.source, edge.target): edge.total_ms for edge in graph.edges}
    assert times == {(START, "a"): 2_000, ("a", "b"): 1_000, ("b", END): 500, ("a", "a"): 1_000, ("a", END): 500}


def test_a_call_without_steps_goes_from_start_to_end() -> None:
    (edge,) = folded([path("1")]).edges
    assert (edge.source, edge.target, edge.count, edge.total_ms) == (START, END, 1, 500)


def test_a_step_after_the_end_of_the_call_takes_no_negative_time() -> None:
    late = path("1", "a").model_copy(update={"duration_ms": 0})
    assert {edge.target: edge.total_ms for edge in folded([late]).edges} == {"a": 1_000, END: 0}


def test_an_offset_that_was_applied_is_not_new() -> None:
    graph = fold(empty("acme", "telecom", 0), path("1", "a"), 5)
    assert [is_new(graph, path("2", "a"), offset) for offset in (4, 5, 6)] == [False, False, True]


def test_the_first_path_at_offset_0_is_new() -> None:
    assert is_new(empty("acme", "telecom", 0), path("1", "a"), 0)


def test_a_call_published_twice_is_not_new() -> None:
    graph = fold(empty("acme", "telecom", 0), path("1", "a"), 5)
    assert not is_new(graph, path("1", "a"), 9)


def test_a_later_revision_is_never_new() -> None:
    assert not is_new(empty("acme", "telecom", 0), path("1", "a", revision=2), 0)


def test_a_bounded_number_of_calls_is_remembered_and_none_by_name() -> None:
    graph = folded([path(f"call-{at}") for at in range(RECENT_CALLS + 1)])
    assert len(graph.recent_calls) == RECENT_CALLS
    assert is_new(graph, path("call-0"), 5_000)
    assert not is_new(graph, path("call-1"), 5_000)
    assert "call-1" not in graph.model_dump_json()


def test_graphs_of_two_tenants_are_not_added_up() -> None:
    with pytest.raises(ValueError, match="acme:telecom and other:telecom"):
        merge([empty("acme", "telecom", 0), empty("other", "telecom", 1)])


def test_no_graphs_add_up_to_nothing() -> None:
    assert merge([]) == SummedGraph(0, (), ())
