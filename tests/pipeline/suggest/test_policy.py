from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipeline.scenarios.model import Card, Trigger
from pipeline.suggest.policy import (
    MOST_OF_A_CALL,
    OUTRANKS,
    URGENT,
    Bounds,
    Screen,
    Standing,
    Why,
    choose,
    expiry,
    withheld,
)
from pipeline.suggest.triggers import Firing
from schemas.wire import Lane

AT = datetime(2026, 3, 1, tzinfo=UTC)


def card(name: str, priority: int = 50, expires_after_s: int | None = None) -> Card:
    return Card(
        id=name,
        title=name,
        text="Do it.",
        trigger=Trigger(intent="a"),
        lanes=(Lane.BATCH,),
        priority=priority,
        approved_by="Sales",
        valid_from=date(2026, 1, 1),
        expires_after_s=expires_after_s,
    )


def firing(name: str, at_ms: int, priority: int = 50) -> Firing:
    return Firing(card(name, priority), at_ms, at_ms, ())


def chosen(*firings: Firing) -> list[tuple[str, int]]:
    return [(found.card.id, found.at_ms) for found in choose(firings)]


def test_suggestions_come_in_order_of_time_then_priority_then_id() -> None:
    found = chosen(firing("a", 20), firing("b", 10, 40), firing("c", 10, 60), firing("d", 20))
    assert found == [("c", 10), ("b", 10), ("a", 20), ("d", 20)]


def test_a_card_is_suggested_once_at_its_first_moment() -> None:
    assert chosen(firing("a", 20), firing("a", 10), firing("b", 15)) == [("a", 10), ("b", 15)]


def test_the_lowest_priorities_give_way_when_there_are_too_many() -> None:
    found = chosen(*(firing(f"c{at}", at, priority=at) for at in range(1, 9)))
    assert found == [("c4", 4), ("c5", 5), ("c6", 6), ("c7", 7), ("c8", 8)]


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 5), st.integers(0, 100)), max_size=20))
def test_never_a_card_twice_and_never_too_many(parts: list[tuple[str, int, int]]) -> None:
    names = [name for name, _ in chosen(*(firing(*part) for part in parts))]
    assert len(names) == len(set(names)) == min(MOST_OF_A_CALL, len({name for name, _, _ in parts}))


def test_a_live_suggestion_expires_when_its_card_says_and_a_follow_up_after_a_week() -> None:
    assert expiry(card("a", expires_after_s=45), Lane.LIVE, AT) == AT + timedelta(seconds=45)
    assert expiry(card("a", expires_after_s=45), Lane.BATCH, AT) == AT + timedelta(days=7)


BOUNDS = Bounds(timedelta(seconds=20), MOST_OF_A_CALL)


def why(priority: int, *, shown: int = 0, ago_s: float | None = None, standing: int | None = None) -> Why | None:
    """Whether this priority may come ``ago_s`` after the last one, whose priority is ``standing`` where it stands."""
    last_at = None if ago_s is None else AT - timedelta(seconds=ago_s)
    there = None if standing is None else Standing(standing, last_at or AT)
    return withheld(priority, AT, Screen(shown, last_at, there), BOUNDS)


def test_a_calm_suggestion_waits_for_its_turn_and_for_room() -> None:
    calm = URGENT - 1
    assert why(calm) is None
    assert why(calm, shown=1, ago_s=20) is None
    assert why(calm, shown=1, ago_s=19.9) is Why.TOO_SOON
    assert why(calm, shown=MOST_OF_A_CALL, ago_s=90) is Why.ENOUGH


def test_a_calm_suggestion_takes_the_place_of_one_that_stands_only_if_it_is_far_above_it() -> None:
    assert why(60, shown=1, ago_s=30, standing=60 - OUTRANKS) is None
    assert why(60, shown=1, ago_s=30, standing=61 - OUTRANKS) is Why.OCCUPIED
    assert why(60, shown=1, ago_s=5, standing=0) is Why.TOO_SOON


def test_an_urgent_one_waits_only_for_a_more_urgent_one_that_has_just_come() -> None:
    assert why(URGENT, shown=MOST_OF_A_CALL, ago_s=0, standing=URGENT - 1) is None
    assert why(URGENT, shown=9, ago_s=0, standing=URGENT) is None
    assert why(URGENT, shown=1, ago_s=19, standing=URGENT + 1) is Why.OCCUPIED
    assert why(URGENT, shown=1, ago_s=20, standing=URGENT + 1) is None


def test_where_there_are_too_many_the_scores_decide_and_not_the_priorities() -> None:
    firings = [firing(f"c{at}", at, priority=at) for at in range(1, 4)]
    best = choose(firings, 2, score=lambda one: -one.priority)
    assert [found.card.id for found in best] == ["c1", "c2"]
