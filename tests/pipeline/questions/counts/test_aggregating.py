from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from pipeline.ids import stable_id
from pipeline.ports import Point, VectorStore
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.counts import aggregating
from pipeline.questions.counts.aggregating import Aggregated, Group
from pipeline.questions.differences.statistics import wilson
from pipeline.questions.fields import NoField
from pipeline.questions.narrowing import TooWide
from pipeline.questions.question import Aggregate
from pipeline.store.collections import CALLS
from pipeline.store.known import Unknown
from pipeline.store.points import started
from pipeline.testing import InMemoryStore

TENANT = "acme"
NOW = datetime(2026, 3, 31, tzinfo=UTC)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
EACH_STORE = pytest.mark.parametrize(
    "store", ["memory", "local", *(["server"] if os.environ.get("QDRANT_URL") else [])], indirect=True
)
Call = Mapping[str, Any]
PLACES = {"agent": "agent", "intent": "intents", "week": "started_week", "day": "started_day"}


def call(days: int, *intents: str, **fields: object) -> Call:
    return {"intents": list(intents), **started(MONDAY + timedelta(days=days)), **fields}


CALLS_OF_MARCH = (
    call(0, "price", "cancel", agent="ann", outcome_inferred_result="won", duration_s=60),
    call(1, "price", agent="ann", outcome_inferred_result="lost", outcome_observed_result="won", duration_s=120),
    call(1, "greeting", agent="bob", outcome_inferred_result="open", duration_s=30),
    call(15, "price", agent="ann", outcome_inferred_result="won"),
    call(16, "cancel", duration_s=90),
)


async def stored(store: VectorStore, calls: Iterable[Call], tenant: str = TENANT) -> VectorStore:
    points = [
        Point(stable_id("test", tenant, str(number)), "said", {"tenant_id": tenant, "call_id": f"c{number}", **fields})
        for number, fields in enumerate(calls)
    ]
    await store.put(CALLS, points)
    return store


async def asked(store: VectorStore, *by: str, where: Sequence[str] = (), agent: str | None = None, **rest: Any) -> Any:
    question = Aggregate.model_validate({"by": by, "where": tuple(map(parse_condition, where)), **rest})
    return await StoredAnswers(store, Asker(TENANT, agent), lambda: NOW).answer(question)


def counts(answer: Aggregated) -> dict[tuple[str, ...], int]:
    return {group.names: group.count for group in answer.groups}


@EACH_STORE
async def test_calls_are_counted_by_a_field_largest_group_first(store: VectorStore) -> None:
    answer = await asked(await stored(store, CALLS_OF_MARCH), "intent")
    assert list(counts(answer).items()) == [(("price",), 3), (("cancel",), 2), (("greeting",), 1)]
    assert (answer.total.count, answer.overlapping, answer.nameless) == (5, ("intent",), {})


@EACH_STORE
async def test_periods_come_in_order_with_those_that_are_empty(store: VectorStore) -> None:
    answer = await asked(await stored(store, CALLS_OF_MARCH), "week")
    assert list(counts(answer).items()) == [(("2026-W10",), 3), (("2026-W11",), 0), (("2026-W12",), 2)]


@EACH_STORE
async def test_two_fields_are_counted_by_both(store: VectorStore) -> None:
    answer = await asked(await stored(store, CALLS_OF_MARCH), "intent", "week", where=["intent=price,cancel"])
    assert counts(answer)["price", "2026-W10"] == 2
    assert counts(answer)["cancel", "2026-W11"] == 0
    assert counts(answer)["cancel", "2026-W12"] == 1


@EACH_STORE
async def test_a_list_can_be_asked_for_two_of_its_values(store: VectorStore) -> None:
    await stored(store, CALLS_OF_MARCH)
    answer = await asked(store, "intent", where=["intent=price", "intent=cancel"], metric="avg_handle_time")
    assert {group.names[0]: (group.value, group.n) for group in answer.groups} == {"price": (60, 1), "cancel": (60, 1)}


@EACH_STORE
async def test_a_win_rate_is_of_what_was_won_or_lost_as_one_source_says(store: VectorStore) -> None:
    await stored(store, CALLS_OF_MARCH)
    answer = await asked(store, "agent", metric="win_rate")
    low, high = wilson(2, 3)
    assert answer.groups == (Group(("ann",), 3, 2 / 3, 3, low, high), Group(("bob",), 1, None, 0))
    assert answer.results == {"won": 2, "lost": 1, "open": 1, "unknown": 1}
    assert (answer.outcomes, answer.nameless) == ("inferred", {"agent": 1})
    observed = await asked(store, metric="win_rate", outcomes="observed")
    assert (observed.total.value, observed.total.n, observed.outcomes) == (1.0, 1, "observed")


@EACH_STORE
async def test_handle_times_are_means_of_whole_seconds_over_calls_whose_length_is_known(store: VectorStore) -> None:
    answer = await asked(await stored(store, CALLS_OF_MARCH), "agent", metric="avg_handle_time")
    assert [(group.names, group.count, group.value, group.n) for group in answer.groups] == [
        (("ann",), 3, 90, 2),
        (("bob",), 1, 30, 1),
    ]
    assert (answer.total.value, answer.total.n) == (75, 4)


@EACH_STORE
async def test_an_empty_answer_says_which_condition_emptied_it(store: VectorStore) -> None:
    await stored(store, CALLS_OF_MARCH)
    answer = await asked(store, "intent", where=["agent=ann", "intent=greeting"])
    assert (answer.total.count, answer.groups, answer.emptied_by) == (0, (), "intent=greeting")
    with pytest.raises(Unknown, match="no agent named 'amn'"):
        await asked(store, where=["agent=amn"])


async def test_what_is_beyond_the_limit_is_counted_and_of_periods_the_latest_are_shown() -> None:
    store = await stored(InMemoryStore(), CALLS_OF_MARCH)
    answer = await asked(store, "intent", "week", limit=2)
    assert list(counts(answer)) == list(product(("price", "cancel"), ("2026-W11", "2026-W12")))
    assert answer.left_out == {"intent": 1, "week": 1}


async def test_nothing_of_another_tenant_or_of_other_agents_is_counted() -> None:
    store = await stored(InMemoryStore(), CALLS_OF_MARCH)
    await stored(store, CALLS_OF_MARCH, tenant="rival")
    assert (await asked(store, "agent")).total.count == 5
    assert counts(await asked(store, "agent", agent="bob")) == {("bob",): 1}


async def test_a_field_that_nothing_is_counted_by_names_those_that_can_be() -> None:
    for by, said in (
        ("intnet", "no field 'intnet'"),
        ("started", "nothing to count by"),
        ("role", "have no field role"),
    ):
        with pytest.raises(NoField, match=said) as caught:
            await asked(InMemoryStore(), by)
        assert "intent" in (caught.value.hint or "")
    with pytest.raises(NoField, match="named twice"):
        await asked(InMemoryStore(), "agent", "agent")
    with pytest.raises(NoField, match="win rates are of calls"):
        await asked(InMemoryStore(), "role", of="intents", metric="win_rate")


async def test_handle_times_of_too_many_groups_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregating, "_MOST_TIMED", 5)
    store = await stored(InMemoryStore(), CALLS_OF_MARCH)
    with pytest.raises(TooWide, match="handle times of 6 groups"):
        await asked(store, "agent", "week", metric="avg_handle_time")


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


@st.composite
def made_calls(draw: st.DrawFn) -> list[Call]:
    results = st.sampled_from(["won", "lost", "open"])
    one = st.fixed_dictionaries(
        {
            "days": st.integers(0, 30),
            "intents": st.lists(st.sampled_from("abcd"), unique=True),
            "agent": optional(st.sampled_from(["ann", "bob", "价格"])),
            "outcome_inferred_result": optional(results),
            "outcome_observed_result": optional(results),
            "duration_s": optional(st.integers(0, 3)),
        }
    )
    made = draw(st.lists(one, min_size=1, max_size=25))
    return [
        call(each.pop("days"), *each.pop("intents"), **{key: value for key, value in each.items() if value is not None})
        for each in made
    ]


def has(fields: Call, place: str, value: str) -> bool:
    held = fields.get(place)
    return value in held if isinstance(held, list) else value == held


def expected(matching: Sequence[Call], metric: str, source: str, base: int) -> tuple[float | None, int]:
    """The figure and what it is made of, worked out from the calls themselves."""
    if metric == "count":
        return len(matching), len(matching)
    if metric == "share":
        return (len(matching) / base if base else None), base
    if metric == "win_rate":
        decided = [one for one in matching if one.get(f"outcome_{source}_result") in {"won", "lost"}]
        won = [one for one in decided if one[f"outcome_{source}_result"] == "won"]
        return (len(won) / len(decided) if decided else None), len(decided)
    lengths = [one["duration_s"] for one in matching if "duration_s" in one]
    return (sum(lengths) / len(lengths) if lengths else None), len(lengths)


@given(
    made_calls(),
    st.lists(st.sampled_from([*PLACES, "outcome"]), unique=True, max_size=2),
    st.sampled_from(["count", "share", "win_rate", "avg_handle_time"]),
    st.sampled_from(["inferred", "observed"]),
)
def test_every_figure_is_the_one_that_counting_the_calls_gives(
    calls: list[Call], by: list[str], metric: str, source: str
) -> None:
    answer: Aggregated = asyncio.run(_answered(calls, by, metric, source))
    places = {**PLACES, "outcome": f"outcome_{source}_result"}
    seen: set[int] = set()
    for group in answer.groups:
        pairs = [(places[name], value) for name, value in zip(by, group.names, strict=True)]
        matching = [one for one in calls if all(has(one, *pair) for pair in pairs)]
        shared = [pair for name, pair in zip(by, pairs, strict=True) if name == answer.share_of]
        base = sum(all(has(one, *pair) for pair in shared) for one in calls)
        assert (group.value, group.n) == expected(matching, metric, source, base)
        assert group.count == len(matching)
        seen.update(number for number, one in enumerate(calls) if one in matching)
    named = [number for number, one in enumerate(calls) if all(one.get(places[name]) for name in by)]
    assert not by or seen == set(named)
    assert (answer.total.value, answer.total.n) == expected(calls, metric, source, len(calls))


async def _answered(calls: list[Call], by: list[str], metric: str, source: str) -> Aggregated:
    store = await stored(InMemoryStore(), calls)
    answer: Aggregated = await asked(store, *by, metric=metric, outcomes=source)
    return answer


async def test_an_answer_reads_back_as_it_was_dumped() -> None:
    store = await stored(InMemoryStore(), CALLS_OF_MARCH)
    answer = await asked(store, "agent", "week", metric="win_rate")
    kind = TypeAdapter(Aggregated)
    assert kind.validate_json(kind.dump_json(answer)) == answer
