from __future__ import annotations

import random
from datetime import timedelta
from functools import cache

import pytest
from mined_calls import TENANT
from planted_calls import UNTIL, planted_starts

from pipeline.ports import Point
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.differences.trending import Trends
from pipeline.questions.fields import NoField
from pipeline.questions.question import Period, Trend
from pipeline.samples.synthetic.effects import PLANTED
from pipeline.store.collections import CALLS
from pipeline.store.points import call_point_id, started, with_fields
from pipeline.testing import InMemoryStore


async def trends(store: InMemoryStore, *where: str, by: str = "intent", period: Period = "week") -> Trends:
    question = Trend(by=by, period=period, where=tuple(map(parse_condition, where)))
    answer = await StoredAnswers(store, Asker(TENANT), lambda: UNTIL).answer(question)
    assert isinstance(answer, Trends)
    return answer


@cache
def store() -> InMemoryStore:
    return planted_starts(3_000)


def of_days(counts: dict[int, tuple[int, int]]) -> InMemoryStore:
    """So many days before now: calls with an intent, and calls without."""
    made = InMemoryStore()
    for ago, (having, without) in counts.items():
        for number in range(having + without):
            call_id = f"{ago}-{number}"
            fields = {
                "tenant_id": TENANT,
                "call_id": call_id,
                "intents": ["cancel"] if number < having else ["greet"],
                **started(UNTIL - timedelta(days=ago)),
            }
            point = Point(call_point_id(TENANT, call_id), "", fields)
            made.points.setdefault(CALLS, {})[point.id] = point
    return made


async def test_what_rises_and_what_falls_is_found() -> None:
    found = await trends(store())
    directions = {row.name: row.direction for row in found.rows}
    assert directions[PLANTED.rising] == "rising"
    assert directions[PLANTED.falling] == "falling"
    assert found.rows[0].direction != "steady"
    assert sum(direction == "steady" for direction in directions.values()) > len(directions) / 2


async def test_without_a_trend_none_is_found() -> None:
    wrong = 0
    for seed in range(2):
        held = list(store().points[CALLS].values())
        lots = random.Random(seed).sample(held, len(held))
        mixed = InMemoryStore()
        mixed.points[CALLS] = {
            point.id: with_fields(point, {"intents": lot.payload["intents"]})
            for point, lot in zip(held, lots, strict=True)
        }
        wrong += sum(row.direction != "steady" for row in (await trends(mixed)).rows)
    assert wrong <= 1


async def test_the_period_that_still_runs_is_left_out_and_named() -> None:
    found = await trends(store())
    assert found.unfinished == "2026-W11"
    assert found.periods[-1] == "2026-W10"
    assert len(found.periods) == len(found.calls) == len(found.rows[0].shares)


async def test_days_without_calls_have_no_share_but_keep_their_place() -> None:
    found = await trends(of_days({5: (10, 10), 4: (12, 8), 2: (16, 4), 1: (18, 2)}), period="day")
    (row,) = [row for row in found.rows if row.name == "cancel"]
    assert row.shares == (0.5, 0.6, None, 0.8, 0.9)
    assert row.slope.points == pytest.approx(0.1)
    assert row.direction == "rising"


async def test_too_few_periods_or_calls_are_told() -> None:
    two = await trends(of_days({2: (20, 10), 1: (20, 10)}), period="day")
    assert two.rows == ()
    assert two.notes == ("a trend needs 3 whole days with calls, there are 2",)
    rare = await trends(of_days(dict.fromkeys(range(1, 6), (1, 20))), period="day")
    assert (rare.rows[0].name, rare.too_few) == ("greet", 1)
    assert "fewer than 30 calls" in rare.notes[0]


async def test_a_trend_of_nothing_says_which_condition_emptied_it() -> None:
    found = await trends(store(), "started<2020-01-01")
    assert (found.rows, found.emptied_by) == ((), "started<2020-01-01")


async def test_calls_are_counted_by_fields_that_they_have() -> None:
    for field in ("week", "confidence", "nothing"):
        with pytest.raises(NoField):
            await trends(store(), by=field)
