from __future__ import annotations

from datetime import date
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from suggest_events import cards, event, heard, published

from pipeline.scenarios.model import Card, Trigger
from pipeline.suggest.ranking import ACCEPTED_POINTS, LITTLE_KNOWN, WON_POINTS, Ranking
from pipeline.suggest.track_record import TrackRecord
from schemas.suggestion import SuggestionCreated
from schemas.wire import Lane


def card(name: str, priority: int = 50) -> Card:
    return Card(
        id=name,
        title=name,
        text="Do it.",
        trigger=Trigger(intent="a"),
        lanes=(Lane.LIVE,),
        priority=priority,
        approved_by="Sales",
        valid_from=date(2026, 1, 1),
    )


def taken(accepted: int, shown: int, won: int = 0, lost: int = 0) -> TrackRecord:
    return TrackRecord(shown=shown, accepted=accepted, dismissed=shown - accepted, won=won, lost=lost)


USUAL = {f"card{n}": taken(40, 100, 50, 50) for n in range(5)}


def test_a_card_that_is_taken_more_often_goes_before_its_neighbour() -> None:
    ranking = Ranking.of({**USUAL, "good": taken(80, 100), "bad": taken(5, 100)})
    assert ranking.score(card("good", 50)) > ranking.score(card("card0", 53)) > ranking.score(card("bad", 55))


def test_a_card_shown_three_times_is_hardly_judged() -> None:
    ranking = Ranking.of({**USUAL, "new": taken(0, 3)})
    assert ranking.score(card("new")) == pytest.approx(50, abs=1.5)
    assert Ranking.of({**USUAL, "old": taken(0, 300)}).score(card("old")) < 46


def test_won_calls_count_half_as_much_as_taken_suggestions() -> None:
    ranking = Ranking.of({**USUAL, "wins": taken(40, 100, 100, 0), "liked": taken(100, 100, 50, 50)})
    assert ranking.score(card("card0")) < ranking.score(card("wins")) < ranking.score(card("liked"))


def test_nothing_known_leaves_the_priority() -> None:
    assert Ranking.of({}).score(card("one", 63)) == 63
    assert Ranking.of({"one": TrackRecord()}).score(card("one", 63)) == 63


RECORDS = st.builds(
    lambda shown, part, won, lost: taken(round(shown * part), shown, won, lost),
    st.integers(0, 10_000),
    st.floats(0, 1),
    st.integers(0, 1_000),
    st.integers(0, 1_000),
)


@given(st.dictionaries(st.sampled_from("abcdef"), RECORDS, min_size=1), st.integers(0, 100))
def test_a_record_moves_a_card_by_no_more_than_its_points(records: dict[str, TrackRecord], priority: int) -> None:
    ranking = Ranking.of(records)
    for name in records:
        moved = ranking.score(card(name, priority)) - priority
        assert abs(moved) <= ACCEPTED_POINTS + WON_POINTS


def test_a_share_of_the_moments_tries_the_card_of_which_least_is_known() -> None:
    ranking = Ranking.of({"known": taken(50, 200), "new": taken(1, 2), "newer": TrackRecord()})
    tried = partial(ranking.explored, [card("known"), card("new"), card("newer")], 0.25)
    found = [tried(moment) for moment in map(str, range(2_000))]
    assert {one.id for one in found if one is not None} == {"newer"}
    assert sum(one is not None for one in found) == pytest.approx(500, abs=80)
    assert [tried(moment) for moment in map(str, range(2_000))] == found


def test_cards_that_are_known_well_are_not_tried_and_one_alone_is_no_choice() -> None:
    known = Ranking.of({"a": taken(1, LITTLE_KNOWN), "b": taken(1, LITTLE_KNOWN)})
    assert known.explored([card("a"), card("b")], 1.0, "m") is None
    assert Ranking.of({}).explored([card("a")], 1.0, "m") is None
    assert Ranking.of({}).explored([card("a"), card("b")], 0.0, "m") is None


def records(**known: TrackRecord) -> object:
    def of(tenant_id: str, scenario: str, language: str, card_id: str) -> TrackRecord:
        assert (tenant_id, scenario, language) == ("acme", "telecom", "en")
        return known.get(card_id.replace("-", "_"), taken(100, 200))

    return of


async def test_in_a_live_call_the_card_that_does_better_is_shown_though_its_priority_is_a_little_lower() -> None:
    both = heard(1, "ask_price", "ask_plan_details")
    assert cards(await published(both)) == ["answer-ask-price"]
    liked = records(answer_plan_details=taken(190, 200), answer_ask_price=taken(20, 200))
    (found,) = await published(both, records=liked)
    assert isinstance(found, SuggestionCreated)
    assert (found.card_id, found.explored) == ("answer-plan-details", False)


async def test_a_card_that_is_tried_out_says_so_and_an_urgent_one_is_never_tried_out() -> None:
    new = records(answer_plan_details=taken(0, 1), answer_price_objection=TrackRecord())
    (found,) = await published(heard(1, "ask_price", "ask_plan_details"), records=new, explore=1.0)
    assert isinstance(found, SuggestionCreated)
    assert (found.card_id, found.explored) == ("answer-plan-details", True)
    urgent = heard(1, "cancel_contract", "price_objection")
    (found,) = await published(urgent, records=new, explore=1.0)
    assert isinstance(found, SuggestionCreated)
    assert (found.card_id, found.explored) == ("answer-cancel-contract", False)


async def test_whether_a_card_is_tried_out_does_not_depend_on_the_run() -> None:
    runs = [
        [cards(await published(event(heard(n, "ask_price", "ask_plan_details"), 0), explore=0.5)) for n in range(1, 30)]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    assert len({tuple(one) for one in runs[0]}) == 2
