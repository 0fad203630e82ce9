"""Records of cards, of their drafts and of their figures, taken up one after the other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry
from published_cards import card_published, new_card, new_statistics, statistics
from published_config import RETAIL, as_read, loaded, new_record, scenario, scenario_published, tombstone
from structlog.testing import capture_logs

from pipeline.scenarios.library import Library
from pipeline.stages import CARDS
from pipeline.suggest.track_record import TrackRecord
from workers.prometheus_meter import PrometheusMeter
from workers.records import NewRecord
from workers.uptake import Uptake

GOOD = new_card(card_published(1))
DRAFT = new_card(card_published(2, status="draft", title="Not yet"))
UNFIT = new_card(card_published(2, trigger={"intent": "never_heard"}))


class Taking:
    """An uptake, what runs by it, and how many records were counted as refused."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.library = Library(loaded, ["retail"])
        self.uptake = Uptake(self.library, PrometheusMeter(self.registry))

    def take(self, *records: NewRecord) -> list[bool]:
        return [self.uptake.take(as_read(record)) for record in records]

    def cards(self, tenant: str = "acme") -> dict[str, str]:
        return {card.id: card.title for card in self.library("retail", tenant).edition("en").playbook.cards}

    def refused(self, tenant: str = "acme") -> dict[str, str]:
        return {one.what: one.reason for one in self.uptake.refused(tenant)}

    def counted(self) -> float:
        return self.registry.get_sample_value("convmine_config_refused_total", {"kind": "card"}) or 0

    def shown(self, card: str = "offer", tenant: str = "acme") -> int:
        return self.library.card_records(tenant, "retail", "en", card).shown


@pytest.fixture
def taking() -> Taking:
    return Taking()


def test_an_approved_card_is_shown_to_its_tenant_until_it_is_withdrawn(taking: Taking) -> None:
    assert taking.take(GOOD) == [True]
    assert (taking.cards(), taking.cards("other")) == ({"offer": "Offer an exchange"}, {})
    taking.take(new_card(card_published(2, status="withdrawn")))
    assert (taking.cards(), taking.refused()) == ({}, {})


def test_a_card_without_approval_is_never_shown_however_it_is_published(taking: Taking) -> None:
    draft = card_published(1, status="draft")
    beside = replace(new_card(draft), key=GOOD.key)
    claimed = replace(GOOD, value=(GOOD.value or b"").replace(b'"approved_by":"bob",', b""))
    content_alone = new_card(card_published(1, approved_by="somebody else"))
    under_draft_key = replace(GOOD, key=new_card(draft).key)
    taking.take(new_card(draft), beside, claimed, content_alone, under_draft_key)
    assert taking.cards() == {}
    assert taking.library.running_cards("acme") == {}
    assert taking.counted() == 3


def test_a_draft_changes_nothing_and_is_no_reason_to_tell_what_runs(taking: Taking) -> None:
    assert taking.take(GOOD, DRAFT, tombstone(DRAFT)) == [True, False, False]
    assert taking.cards() == {"offer": "Offer an exchange"}
    assert taking.refused() == {}


def test_a_card_that_is_not_valid_is_refused_and_told_and_the_last_good_one_stays(taking: Taking) -> None:
    with capture_logs() as logs:
        taking.take(GOOD, UNFIT)
    assert taking.cards() == {"offer": "Offer an exchange"}
    assert "'never_heard' is not defined" in taking.refused()["card retail:en:offer"]
    assert [one["key"] for one in logs if one["log_level"] == "warning"] == ["acme:retail:en:offer"]
    assert taking.counted() == 1
    taking.take(new_card(card_published(3, title="Good again")))
    assert (taking.cards(), taking.refused()) == ({"offer": "Good again"}, {})


def test_a_scenario_that_no_longer_knows_the_intent_of_a_card_is_taken_and_the_card_is_left_out_and_told(
    taking: Taking,
) -> None:
    taking.take(GOOD)
    body = RETAIL.model_copy(update={"version": 2}).model_dump(mode="json")
    body["editions"]["en"]["taxonomy"]["intents"][0]["name"] = "send_back"
    pushed = scenario_published(scenario("retail", 2)).model_copy(update={"content": body})
    with capture_logs() as logs:
        taking.take(new_record(pushed))
    assert taking.library("retail", "acme").version == 2
    assert taking.cards() == {}
    assert "'return_it' is not defined" in taking.refused()["card retail:en:offer"]
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == ["card left out"]
    assert taking.counted() == 1
    taking.take(new_record(scenario_published(scenario("retail", 3))))
    assert (list(taking.cards()), taking.refused(), taking.counted()) == (["offer"], {}, 1)


def test_a_card_that_comes_before_its_scenario_is_shown_when_that_has_come(taking: Taking) -> None:
    of_travel = new_card(card_published().model_copy(update={"scenario": "travel"}))
    taking.take(of_travel)
    assert "no scenario 'travel'" in taking.refused()["card travel:en:offer"]
    taking.take(new_record(scenario_published(scenario("travel"))))
    assert taking.refused() == {}
    assert [card.id for card in taking.library("travel", "acme").edition("en").playbook.cards] == ["offer"]


def test_at_start_every_scenario_comes_before_every_card(taking: Taking) -> None:
    of_travel = new_card(card_published().model_copy(update={"scenario": "travel"}))
    with capture_logs() as logs:
        taking.uptake.take_all([as_read(of_travel), as_read(new_record(scenario_published(scenario("travel"))))])
    assert {one["log_level"] for one in logs} == {"info"}
    assert taking.library.running_cards("acme") == {("travel", "en", "offer"): 1}


def test_what_is_taken_back_leaves_the_scenarios_own_cards(taking: Taking) -> None:
    taking.take(GOOD, tombstone(GOOD))
    assert (taking.cards(), taking.uptake.tenants) == ({}, frozenset())


def test_the_newest_figures_of_a_card_are_known_to_whoever_ranks_and_are_no_change_of_what_runs(
    taking: Taking,
) -> None:
    few, more = (new_statistics(statistics(shown=shown, accepted=2)) for shown in (3, 9))
    assert taking.take(few, more) == [False, False]
    known = taking.library.card_records("acme", "retail", "en", "offer")
    assert known == TrackRecord(shown=9, accepted=2, dismissed=7)
    assert taking.shown(tenant="other") == 0
    taking.take(tombstone(more))
    assert taking.shown() == 0


def test_at_start_the_last_figures_of_each_card_count(taking: Taking) -> None:
    told = [new_statistics(statistics(card, shown=shown)) for shown in (1, 2, 3) for card in ("offer", "kb:p1")]
    taking.uptake.take_all([as_read(record) for record in (*told, tombstone(told[1]))])
    assert (taking.shown("offer"), taking.shown("kb:p1")) == (3, 0)


def test_figures_of_a_passage_whose_id_has_a_colon_are_known(taking: Taking) -> None:
    taking.take(new_statistics(statistics("kb:7f3a", shown=4)))
    assert taking.shown("kb:7f3a") == 4


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (replace(GOOD, value=b"no json"), "no JSON"),
        (replace(GOOD, key=b"acme:retail:en:other"), "is of acme:retail:en:offer"),
        (replace(GOOD, headers=(*GOOD.headers, ("ce_tenantid", b"other"))), "is of other:retail:en:offer"),
        (replace(new_statistics(statistics()), key=GOOD.key), "is of acme:retail:en:offer:statistics"),
        (replace(new_record(scenario_published(RETAIL)), topic=CARDS, key=GOOD.key), "is of acme:retail"),
    ],
    ids=["json", "card", "tenant", "figures", "scenario"],
)
def test_a_record_that_cannot_be_read_changes_nothing(taking: Taking, record: NewRecord, reason: str) -> None:
    taking.take(new_card(card_published(2, title="Stays")), record)
    assert taking.cards() == {"offer": "Stays"}
    assert any(reason in why for why in taking.refused().values())
    assert taking.counted() == 1


@pytest.mark.parametrize("key", [b"acme:retail:en", b"acme:retail:en:", b":retail:en:offer", b"a b:retail:en:x", b""])
def test_a_record_of_nobody_is_counted_and_told_to_no_tenant(taking: Taking, key: bytes) -> None:
    assert taking.take(replace(GOOD, key=key)) == [False]
    assert (taking.cards(), taking.uptake.tenants, taking.counted()) == ({}, frozenset(), 1)
