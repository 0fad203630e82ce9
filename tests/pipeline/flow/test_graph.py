from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.counts import LONGEST, MOST_EARLIER, MOST_LONG
from pipeline.flow.graph import END, START, SummedGraph, empty, merge
from pipeline.flow.tally import LONGEST_SAMPLE, RECENT_CALLS, SAMPLE, Tally
from schemas.call import OutcomeResult
from schemas.envelope import encode
from schemas.flow import FlowGraph, FlowPath, Followed, Step
from schemas.wire import Role

AT = datetime(2026, 3, 1, tzinfo=UTC)
HALF_LIFE = 90.0
Row = tuple[float, float, float]


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


def counted(paths: Sequence[FlowPath], partition: int = 0, days: Sequence[float] = ()) -> Tally:
    """A tally of paths, each so many days after the first of March; all of that day unless something is said."""
    tally = Tally(empty("acme", "telecom", partition), HALF_LIFE)
    for offset, one in enumerate(paths):
        tally.add(one, offset, AT + timedelta(days=days[offset] if days else 0))
    return tally


def folded(paths: Sequence[FlowPath], partition: int = 0) -> FlowGraph:
    return counted(paths, partition).graph()


def walks(paths: Sequence[FlowPath]) -> list[list[str]]:
    return [[START, *(step.label for step in one.steps), END] for one in paths]


def by_label(graph: FlowGraph, rows: Sequence[Followed]) -> dict[tuple[str, ...], Row]:
    """The weights of what followed steps, by the labels of these and of what followed."""
    labels = [node.label for node in graph.nodes]
    return {
        (*(labels[place] for place in row.steps), labels[last]): (weight, won, lost)
        for row in rows
        for last, weight, won, lost in zip(row.next, row.weight, row.won, row.lost, strict=True)
    }


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
    graph = folded(paths)
    assert {(edge.source, edge.target): edge.count for edge in graph.edges} == Counter(
        pair for walk in walks(paths) for pair in pairwise(walk)
    )
    calls, repeated, later = Counter[str](), Counter[str](), Counter[str]()
    for walk in walks(paths):
        for label in set(walk):
            calls[label] += 1
            repeated[label] += walk.count(label) > 1
            later[label] += len(walk) - 1 - walk.index(label)
    assert {one.label: (one.calls, one.repeated, one.later) for one in graph.nodes} == {
        label: (calls[label], repeated[label], later[label]) for label in calls
    }


@given(PATHS)
def test_calls_that_were_won_and_lost_are_counted_once_for_each_edge(paths: list[FlowPath]) -> None:
    won, lost = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one, walk in zip(paths, walks(paths), strict=True):
        for ends in set(pairwise(walk)):
            won[ends] += one.result is OutcomeResult.WON
            lost[ends] += one.result is OutcomeResult.LOST
    for edge in folded(paths).edges:
        ends = (edge.source, edge.target)
        assert (edge.won, edge.lost) == (won[ends], lost[ends])


@given(PATHS)
def test_contexts_say_what_followed_one_to_three_steps(paths: list[FlowPath]) -> None:
    expected: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0, 0, 0])
    for one, walk in zip(paths, walks(paths), strict=True):
        for at in range(1, len(walk)):
            for first in range(max(0, at - LONGEST), at):
                sums = expected[tuple(walk[first : at + 1])]
                sums[0] += 1
                sums[1] += one.result is OutcomeResult.WON
                sums[2] += one.result is OutcomeResult.LOST
    graph = folded(paths)
    assert by_label(graph, graph.contexts) == {key: tuple(sums) for key, sums in expected.items()}
    assert {(one.source, one.target): one.weight for one in graph.edges} == {
        key: sums[0] for key, sums in expected.items() if len(key) == 2
    }


@given(PATHS)
def test_what_came_next_is_told_for_every_step_before(paths: list[FlowPath]) -> None:
    expected = Counter[tuple[str, str]]()
    for walk in walks(paths):
        for at in range(2, len(walk)):
            expected.update((before, walk[at]) for before in set(walk[1:at]))
    graph = folded(paths)
    assert {key: weight for key, (weight, _, _) in by_label(graph, graph.earlier).items()} == expected


@given(PATHS, st.integers(0, 12))
def test_a_tally_that_goes_on_from_a_graph_comes_to_the_same(paths: list[FlowPath], cut: int) -> None:
    tally = Tally(folded(paths[:cut]), HALF_LIFE)
    for offset, one in enumerate(paths[cut:], cut):
        tally.add(one, offset, AT)
    assert tally.graph() == folded(paths)


@given(st.lists(st.floats(-400, 400), min_size=1, max_size=6))
def test_a_path_weighs_half_after_each_half_life(days: list[float]) -> None:
    graph = counted([path(str(number), "a") for number in range(len(days))], days=days).graph()
    expected = sum(0.5 ** ((max(days) - day) / HALF_LIFE) for day in days)
    (edge, _) = graph.edges
    assert edge.weight == pytest.approx(expected, abs=1e-3)
    assert edge.count == len(days)
    assert graph.as_of == AT + timedelta(days=max(days))


def test_times_far_apart_leave_only_the_newest() -> None:
    graph = counted([path(str(number), "a", "b") for number in range(3)], days=[-700_000, 2_900_000, 40_000]).graph()
    assert {edge.weight for edge in graph.edges} == {1.0}
    assert {edge.count for edge in graph.edges} == {3}


def test_a_graph_keeps_its_heaviest_contexts_and_stays_small() -> None:
    labels = [f"a_label_of_usual_length_{number}" for number in range(60)]
    tally = counted([path("often", *labels[:3])] * 50)
    for number in range(2_000):
        steps = [labels[(number * (at + 7) + at * at) % 60] for at in range(20)]
        tally.add(path(str(number), *steps), 100 + number, AT)
    graph = tally.graph()
    kept = by_label(graph, graph.contexts)
    assert sum(len(key) > 2 for key in kept) <= MOST_LONG
    assert sum(len(one.next) for one in graph.earlier) <= MOST_EARLIER
    assert kept[START, *labels[:3]][0] >= 50
    assert len(encode(graph)) < 800_000
    assert tally.graph() == graph


def test_the_last_paths_are_kept_whole_but_for_very_long_ones() -> None:
    usual = [path(str(at), "a", "b") for at in range(SAMPLE)]
    graph = folded([*usual, path("x", "b"), path("y", *"ab" * LONGEST_SAMPLE)])
    labels = [node.label for node in graph.nodes]
    assert len(graph.sample) == SAMPLE
    assert [[labels[place] for place in one] for one in graph.sample[-2:]] == [["a", "b"], ["b"]]


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
    tally = Tally(empty("acme", "telecom", 0), HALF_LIFE)
    tally.add(path("1", "a"), 5, AT)
    assert [tally.is_new(path("2", "a"), offset) for offset in (4, 5, 6)] == [False, False, True]


def test_the_first_path_at_offset_0_is_new() -> None:
    assert counted([]).is_new(path("1", "a"), 0)


def test_a_call_published_twice_is_not_new() -> None:
    assert not counted([path("1", "a")]).is_new(path("1", "a"), 9)


def test_a_later_revision_is_never_new() -> None:
    assert not counted([]).is_new(path("1", "a", revision=2), 0)


def test_a_bounded_number_of_calls_is_remembered_and_none_by_name() -> None:
    tally = counted([path(f"call-{at}") for at in range(RECENT_CALLS + 1)])
    assert len(tally.graph().recent_calls) == RECENT_CALLS
    assert tally.is_new(path("call-0"), 5_000)
    assert not tally.is_new(path("call-1"), 5_000)
    assert "call-1" not in tally.graph().model_dump_json()


def test_graphs_of_two_tenants_are_not_added_up() -> None:
    with pytest.raises(ValueError, match="acme:telecom and other:telecom"):
        merge([empty("acme", "telecom", 0), empty("other", "telecom", 1)])


def test_no_graphs_add_up_to_nothing() -> None:
    assert merge([]) == SummedGraph(0, (), ())
