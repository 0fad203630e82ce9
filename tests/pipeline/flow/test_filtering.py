from __future__ import annotations

import json
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.flow.filtering import closing_labels, dependency, filtered, places
from pipeline.flow.graph import END, START

PATHS = st.lists(st.lists(st.sampled_from("abcdefg"), max_size=8), min_size=1, max_size=15)
CHAIN = [("hello", "name", "day", "time", "book")] * 20


@given(PATHS, st.randoms())
def test_the_order_of_conversations_does_not_matter(paths: list[list[str]], random: object) -> None:
    mixed = list(paths)
    random.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' own Random
    assert filtered(mixed) == filtered(paths)


@given(PATHS)
def test_what_is_kept_was_seen_forth_more_often_than_back(paths: list[list[str]]) -> None:
    flow = filtered(paths)
    ways = [[path[at] for at in places(path, flow.closing)] for path in paths]
    seen = Counter(ends for way in ways for ends in pairwise((START, *way, END)))
    assert all(seen[ends] for ends in flow.kept)
    assert not [one for one in flow.kept if one[::-1] in flow.kept], "of two ways round only one is the flow"
    assert any(one == START for one, _ in flow.kept)
    assert any(other == END for _, other in flow.kept)


@given(PATHS)
def test_no_kept_edge_touches_a_label_that_closes_or_joins_one_to_itself(paths: list[list[str]]) -> None:
    flow = filtered(paths)
    assert not [ends for ends in flow.kept if set(ends) & flow.closing or ends[0] == ends[1]]


def test_a_chain_whose_steps_are_often_left_out_or_swapped_is_found_again() -> None:
    skipping = [("hello", "day", "time", "book"), ("name", "day", "book"), ("hello", "name", "time", "book")] * 4
    swapped = [("hello", "day", "name", "time", "book"), ("hello", "name", "time", "day", "book")] * 2
    kept = filtered([*CHAIN, *skipping, *swapped]).kept
    inside = {ends for ends in kept if START not in ends and END not in ends}
    assert inside == set(pairwise(CHAIN[0]))


def test_a_choice_keeps_both_branches() -> None:
    kept = filtered([("ask", "free", "book")] * 10 + [("ask", "taken", "other")] * 8).kept
    assert {("ask", "free"), ("ask", "taken"), ("free", "book"), ("taken", "other")} <= kept


def test_what_most_calls_do_is_no_shortcut_of_what_few_do() -> None:
    usual, rare = [("ask", "offer", "sign")] * 90, [("ask", "doubt", "offer", "sign")] * 10
    assert ("ask", "offer") in filtered([*usual, *rare]).kept
    assert ("ask", "offer") not in filtered([*usual[:30], *rare, *[("ask", "doubt", "offer")] * 30]).kept


def test_a_step_that_stands_anywhere_is_noise() -> None:
    anywhere = [(*way[:at], "sorry", *way[at:]) for at in range(1, 5) for way in CHAIN[:1]]
    kept = filtered([*CHAIN, *anywhere]).kept
    assert not [ends for ends in kept if "sorry" in ends]


def test_a_label_that_closes_is_part_of_the_end() -> None:
    paths = [("ask", "bye")] * 4 + [("ask", "offer", "bye", "bye")] * 4 + [("ask", "doubt", "bye")] * 4
    paths += [("ask", "offer")] * 3 + [("ask", "rare")]
    assert closing_labels(paths) == {"bye"}, "rare is last in one of sixteen"
    assert filtered(paths).kept >= {(START, "ask"), ("ask", "offer"), ("ask", END), ("offer", END), ("doubt", END)}
    assert not closing_labels(CHAIN), "the last step of a way is a step of it"


def test_a_label_with_the_name_of_a_mark_is_no_step() -> None:
    assert places(("(start)", "a", "(end)", "a", "b"), ()) == [1, 4]


def test_the_dependency_measure_is_that_of_little_thumb() -> None:
    assert dependency(5, 0) == pytest.approx(5 / 6)
    assert dependency(3, 3) == 0
    assert dependency(0, 5) == pytest.approx(-5 / 6)


def test_the_intended_flow_of_star_tasks_is_found() -> None:
    root = os.environ.get("CONVMINE_EVAL_DATA")
    if root is None:
        pytest.skip("CONVMINE_EVAL_DATA is not set")
    folder = Path(root) / "dialogues" / "star"
    scores = [_f1(folder, task) for task in sorted((folder / "tasks").glob("*.json"))]
    assert sum(scores) / len(scores) >= 0.58


def _f1(folder: Path, task: Path) -> float:
    """Over edges between uttered labels; the flow's own steps that nobody utters are contracted."""
    paths = []
    for file in sorted((folder / "dialogues").glob(f"{task.stem}_*.json")):
        events = json.loads(file.read_text())["events"]
        paths.append([one["label"] for one in events if one["agent"] == "Wizard" and one["label"]])
    uttered = {label for path in paths for label in path}
    gold = _intended(json.loads(task.read_text())["graph"], uttered)
    found = {ends for ends in filtered(paths).kept if START not in ends and END not in ends}
    return 2 * len(gold & found) / (len(gold) + len(found))


def _intended(graph: dict[str, str], uttered: set[str]) -> set[tuple[str, str]]:
    names = set(graph) | set(graph.values())
    onward = {name: {graph[name]} if name in graph else set[str]() for name in names}
    answers = {name for name in names - set(graph.values()) if name != "hello"}
    for name in names - set(graph) - {"anything_else"}:
        of_query = name.startswith("query")
        onward[name] |= {one for one in answers if of_query != (one in {"yes", "no"})}
    found = set()
    for name in names & uttered:
        todo, seen = list(onward[name]), set[str]()
        while todo:
            reached = todo.pop()
            if reached in seen:
                continue
            seen.add(reached)
            if reached not in uttered:
                todo += onward[reached]
            elif reached != name:
                found.add((name, reached))
    return found
