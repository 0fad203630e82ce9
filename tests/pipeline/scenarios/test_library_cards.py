"""Cards that are published by themselves, as a library shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_cards import card_published, content
from published_config import RETAIL, loaded, scenario, scenario_published

from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Card, Playbook, Scenario
from schemas.reference import CardPublished, CardStatus


def with_own(*cards: str, version: int = 1) -> Scenario:
    """The scenario with these cards of its own."""
    made = scenario("retail", version)
    own = tuple(Card.model_validate(content(card, approved_by="cid", title="its own")) for card in cards)
    edition = made.editions["en"].model_copy(update={"playbook": Playbook(cards=own)})
    return made.model_copy(update={"editions": {"en": edition}})


@pytest.fixture
def library() -> Library:
    return Library(lambda _: with_own("greet", "offer"), ["retail"])


def shown(library: Library, tenant: str = "acme") -> dict[str, str]:
    """Id and title of each card, in the playbook's order."""
    return {card.id: card.title for card in library("retail", tenant).edition("en").playbook.cards}


def test_an_approved_card_stands_in_the_place_of_the_scenarios_own_or_beside_for_its_tenant(library: Library) -> None:
    library.take_card("acme", card_published(2, title="New"))
    library.take_card("acme", card_published(card="extra", title="Beside"))
    assert list(shown(library).items()) == [("greet", "its own"), ("offer", "New"), ("extra", "Beside")]
    assert shown(library, "other") == {"greet": "its own", "offer": "its own"}
    assert library.running_cards("acme") == {("retail", "en", "offer"): 2, ("retail", "en", "extra"): 1}
    assert not library.running_cards("other")
    assert library.tenants == {"acme"}


def test_a_withdrawn_card_takes_the_scenarios_own_with_it_until_it_is_taken_back(library: Library) -> None:
    library.take_card("acme", card_published(3, status="withdrawn"))
    assert shown(library) == {"greet": "its own"}
    library.drop_card("acme", "retail", "en", "offer")
    assert shown(library) == {"greet": "its own", "offer": "its own"}


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        (card_published(status="draft"), "only an approved card is shown"),
        (card_published(approved_by="   "), "approved_by: is not bob"),
        (card_published(approved_by=""), "approved_by"),
        (card_published(approved_by="ann"), "approved_by: is not bob"),
        (card_published(id="other"), "what is in it is card other"),
        (card_published(trigger={"intent": "never_heard"}), "trigger.intent: 'never_heard' is not defined"),
        (card_published(text=""), "text"),
        (card_published(further=1), "further: there is no such field"),
        (card_published(language="zh"), "not there in 'zh'"),
    ],
    ids=["draft", "blank", "nobody", "another", "id", "intent", "text", "field", "language"],
)
def test_a_card_that_is_not_approved_or_does_not_fit_is_refused_and_the_last_good_one_stays(
    library: Library, published: CardPublished, reason: str
) -> None:
    library.take_card("acme", card_published(2, title="Good"))
    with pytest.raises(ScenarioError, match=reason):
        library.take_card("acme", published)
    assert shown(library)["offer"] == "Good"


def test_a_scenario_that_has_no_place_for_a_card_is_taken_without_it_until_it_has_again() -> None:
    library = Library(loaded, ["retail"])
    library.take_card("acme", card_published(trigger={"topic": "orders"}))
    topic = {"name": "returns", "title": "Returns"}
    body = RETAIL.model_copy(update={"version": 2}).model_dump(mode="json")
    body["editions"]["en"]["taxonomy"]["topics"] = [topic]
    body["editions"]["en"]["taxonomy"]["intents"][0]["topic"] = "returns"
    pushed = scenario_published(scenario("retail", 2)).model_copy(update={"content": body})
    assert library.take_scenario("acme", pushed).version == 2
    assert shown(library) == {}
    left_out = library.left_out("acme", "retail")
    assert "'orders' is not defined" in left_out["retail", "en", "offer"]
    assert library.running_cards("acme") == {}
    library.take_scenario("acme", scenario_published(scenario("retail", 3)))
    assert (list(shown(library)), library.left_out("acme", "retail")) == (["offer"], {})


def test_a_card_left_out_leaves_its_place_to_the_card_that_the_scenario_brings() -> None:
    library = Library(loaded, ["retail"])
    library.take_card("acme", card_published())
    body = with_own("offer", version=2).model_dump(mode="json")
    body["editions"]["en"]["taxonomy"]["intents"][0]["name"] = "send_back"
    body["editions"]["en"]["playbook"]["cards"][0]["trigger"] = {"intent": "send_back"}
    library.take_scenario("acme", scenario_published(with_own(version=2)).model_copy(update={"content": body}))
    assert shown(library) == {"offer": "its own"}


def test_who_is_no_more_the_scenarios_is_told_with_the_reason() -> None:
    library = Library(loaded, ["retail"])
    library.take_scenario("acme", scenario_published(scenario("travel")))
    with pytest.raises(ScenarioError, match="no scenario 'gone'"):
        library.take_card("acme", card_published().model_copy(update={"scenario": "gone"}))
    library.take_card("acme", card_published().model_copy(update={"scenario": "travel"}))
    library.drop_scenario("acme", "travel")
    assert "no scenario 'travel'" in library.left_out("acme", "travel")["travel", "en", "offer"]


STATUSES = st.sampled_from(sorted(CardStatus))


@given(st.lists(st.tuples(st.sampled_from(["greet", "offer", "extra", "more"]), STATUSES), max_size=12))
def test_whatever_comes_in_whichever_order_only_approved_cards_stand_and_the_last_word_of_each_holds(
    changes: list[tuple[str, CardStatus]],
) -> None:
    library = Library(lambda _: with_own("greet", "offer"), ["retail"])
    last: dict[str, str | None] = {"greet": "its own", "offer": "its own"}
    for version, (card, status) in enumerate(changes, 1):
        published = card_published(version, card=card, status=status, title=f"v{version}")
        if status is CardStatus.DRAFT:
            with pytest.raises(ScenarioError):
                library.take_card("acme", published)
        else:
            library.take_card("acme", published)
            last[card] = f"v{version}" if status is CardStatus.APPROVED else None
    assert shown(library) == {card: title for card, title in last.items() if title}
    order = list(shown(library))
    assert order == [*(card for card in ("greet", "offer") if card in order), *sorted({*order} - {"greet", "offer"})]
    assert all(card.approved_by.strip() for card in library("retail", "acme").edition("en").playbook.cards)
