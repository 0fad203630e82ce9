"""Cards on the workbench: written by one, approved by another, kept apart by tenant, and never overwritten unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench_bench import CARD, HOSTILE, WHERE, Workplace, draft, workplace

from pipeline.scenarios.model import Card
from pipeline.stages import CARDS
from schemas.reference import CardStatus

DRAFT = "/v1/workbench/cards/ask-reason/draft"
APPROVE = "/v1/workbench/cards/ask-reason/approve"
NAME = ("telecom", "en", "ask-reason")


@pytest.fixture
async def place(tmp_path: Path) -> Workplace:
    return await workplace(tmp_path)


def shown(place: Workplace, tenant: str = "acme") -> Card | None:
    cards = place.library("telecom", tenant).editions["en"].playbook.cards
    return next((card for card in cards if card.id == "ask-reason"), None)


async def test_what_one_writes_and_another_approves_is_shown_and_recorded(place: Workplace) -> None:
    async with place.as_("analyst") as lin, place.as_("supervisor") as sue:
        written = (await lin.put(DRAFT, json=draft(reason="asked for by sales"))).json()
        assert (written["status"], written["draft"]["by"], written["newest"]) == ("draft", "Lin", 1)
        assert shown(place) is None
        tried = (await lin.post("/v1/workbench/cards/ask-reason/try", json={**WHERE, "content": CARD})).json()
        assert [one["call_id"] for one in tried["items"]] == ["acme-1", "acme-0"]
        approved = await sue.post(APPROVE, json={**WHERE, "seen": 1, "reason": "good"})
    assert approved.status_code == 200, approved.text
    assert approved.json()["status"] == "approved"
    record = place.published().cards[NAME]
    assert (record.written_by, record.approved_by, record.reason) == ("Lin", "Sue", "good")
    running = shown(place)
    assert running is not None
    assert running.approved_by == "Sue"
    assert NAME not in place.published().drafts
    (edit,) = await place.recorded("cards edit")
    (approval,) = await place.recorded("cards approve")
    assert (edit.who, approval.who) == ("k-analyst", "k-supervisor")
    assert [one.calls for one in await place.recorded("cards try")] == [("acme-1", "acme-0")]


async def test_nobody_approves_what_they_wrote_last(place: Workplace) -> None:
    async with place.as_("supervisor") as sue, place.as_("admin") as ada:
        await sue.put(DRAFT, json=draft())
        refused = await sue.post(APPROVE, json={**WHERE, "seen": 1})
        assert refused.status_code == 403
        assert "somebody else" in refused.json()["detail"]
        await ada.put(DRAFT, json=draft(1, text="Ask once."))
        assert (await ada.post(APPROVE, json={**WHERE, "seen": 2})).status_code == 403
        assert (await sue.post(APPROVE, json={**WHERE, "seen": 1})).status_code == 409
        assert shown(place) is None
        assert (await sue.post(APPROVE, json={**WHERE, "seen": 2})).status_code == 200


@pytest.mark.parametrize("path", ["approve", "withdraw"])
async def test_an_analyst_writes_but_does_not_publish(place: Workplace, path: str) -> None:
    async with place.as_("supervisor") as sue, place.as_("analyst") as lin:
        await sue.put(DRAFT, json=draft())
        refused = await lin.post(f"/v1/workbench/cards/ask-reason/{path}", json={**WHERE, "seen": 1})
        assert refused.status_code == 403
        dropped = await lin.delete(DRAFT, params={**WHERE, "seen": 1})
        assert dropped.status_code == 403
        assert (await sue.delete(DRAFT, params={**WHERE, "seen": 1})).status_code == 200
    assert place.published().drafts == {}


async def test_an_agent_is_not_let_in(place: Workplace) -> None:
    async with place.as_("ann") as ann:
        for path in ("cards", "words", "prompts", "history"):
            assert (await ann.get(f"/v1/workbench/{path}", params=WHERE)).status_code == 403
        assert (await ann.put(DRAFT, json=draft())).status_code == 403
    assert place.broker.records(CARDS) == []


async def test_who_is_second_is_told_the_difference_and_saves_over_it(place: Workplace) -> None:
    async with place.as_("analyst") as lin, place.as_("supervisor") as sue:
        await lin.put(DRAFT, json=draft())
        await sue.put(DRAFT, json=draft(1, title="Ask once", priority=60))
        late = await lin.put(DRAFT, json={**draft(1, text="Ask twice."), "base": CARD})
        assert late.status_code == 409
        told = late.json()
        assert (told["version"], told["by"]) == (2, "Sue")
        assert {one["field"]: (one["base"], one["theirs"], one["yours"]) for one in told["fields"]} == {
            "title": (CARD["title"], "Ask once", CARD["title"]),
            "text": (CARD["text"], CARD["text"], "Ask twice."),
            "priority": (40, 60, 40),
        }
        assert "-title: Ask once" in told["lines"]
        assert "+text: Ask twice." in told["lines"]
        assert place.published().drafts[NAME].written_by == "Sue"
        again = await lin.put(DRAFT, json=draft(2, title="Ask once", text="Ask twice."))
    assert again.status_code == 200
    assert place.published().drafts[NAME].content["text"] == "Ask twice."


async def test_a_withdrawn_card_is_shown_no_more(place: Workplace) -> None:
    path = "/v1/workbench/cards/answer-price-objection/withdraw"
    async with place.as_("supervisor") as sue:
        gone = (await sue.post(path, json={**WHERE, "seen": 0, "reason": "out of date"})).json()
        assert (gone["status"], gone["shown"]) == ("withdrawn", None)
        assert (await sue.post(path, json={**WHERE, "seen": 1})).status_code == 409
    record = place.published().cards["telecom", "en", "answer-price-objection"]
    assert (record.status, record.reason) == (CardStatus.WITHDRAWN, "out of date")
    cards = place.library("telecom", "acme").editions["en"].playbook.cards
    assert "answer-price-objection" not in {card.id for card in cards}
    (entry,) = await place.recorded("cards withdraw")
    assert entry.who == "k-supervisor"


async def test_what_is_wrong_is_told_at_its_field(place: Workplace) -> None:
    wrong = {
        "/content/title": draft(title=""),
        "/content/trigger/intent": draft(trigger={"intent": "nothing_of_that_name"}),
        "/content/trigger": draft(trigger={}),
        "/content/text": draft(text="Say {nonsense}."),
        "/content/valid_to": draft(valid_to="2020-01-01"),
        "/content/priority": draft(priority=101),
        "/content/lanes": draft(lanes=[]),
        "/content/valid_from": draft(valid_from="soon"),
        "/content/approved_by": draft(approved_by="Lin"),
    }
    async with place.as_("analyst") as lin:
        for pointer, body in wrong.items():
            refused = await lin.put(DRAFT, json=body)
            assert refused.status_code == 422, pointer
            assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]
            assert refused.json()["detail"]
    assert place.broker.records(CARDS) == []


async def test_another_tenants_cards_and_calls_are_never_shown(place: Workplace) -> None:
    async with place.as_("analyst") as lin, place.as_("stranger") as eve:
        await lin.put(DRAFT, json=draft())
        theirs = (await eve.get("/v1/workbench/cards", params=WHERE)).json()["items"]
        assert "ask-reason" not in {one["card"] for one in theirs}
        assert (await eve.post(APPROVE, json={**WHERE, "seen": 1})).status_code == 422
        tried = (await eve.post("/v1/workbench/cards/ask-reason/try", json={**WHERE, "content": CARD})).json()
        changes = (await eve.get("/v1/workbench/history", params=WHERE)).json()["items"]
    assert {one["call_id"] for one in tried["items"]} <= {"umbrella-0"}
    assert changes == []
    assert shown(place, "umbrella") is None


async def test_a_trial_shows_what_the_agent_would_have_read_and_takes_slices(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/v1/workbench/cards/ask-reason/try"
    leaves = {**CARD, "trigger": {"intent": "cancel_contract"}, "text": "They named {competitor}.", "lanes": ["batch"]}
    async with place.as_("analyst") as lin:
        tried = (await lin.post(path, json={**WHERE, "content": leaves})).json()
        assert (tried["calls"], tried["next"]) == (3, None)
        first = tried["items"][0]
        assert (first["call_id"], first["lane"], first["at_ms"]) == ("acme-2", "batch", 15_000)
        assert (first["quote"], first["text"]) == ("cancel my contract", None)
        monkeypatch.setattr("workers.dashboard.workbench.card_try._SLICE", 2)
        one = (await lin.post(path, json={**WHERE, "content": leaves})).json()
        two = (await lin.post(path, json={**WHERE, "content": leaves, "after": one["next"]})).json()
    assert [call["call_id"] for part in (one, two) for call in part["items"]] == ["acme-2", "acme-1", "acme-0"]
    assert (one["calls"], two["calls"], two["next"]) == (2, 1, None)


async def test_the_history_says_who_changed_what_and_why(place: Workplace) -> None:
    async with place.as_("analyst") as lin, place.as_("supervisor") as sue:
        await lin.put(DRAFT, json=draft(reason=HOSTILE, title=HOSTILE))
        await sue.post(APPROVE, json={**WHERE, "seen": 1, "reason": "good"})
        rows = (await lin.get("/v1/workbench/history", params={**WHERE, "name": "ask-reason"})).json()["items"]
    said = [(one["action"], one["by"], one["version"], one["reason"]) for one in rows]
    assert said == [("cards approve", "Sue", 1, "good"), ("cards edit", "Lin", 1, HOSTILE)]


async def test_an_unknown_scenario_or_language_is_not_found(place: Workplace) -> None:
    async with place.as_("analyst") as lin:
        for where in ({**WHERE, "scenario": "none"}, {**WHERE, "language": "fr"}):
            assert (await lin.get("/v1/workbench/cards", params=where)).status_code == 404
