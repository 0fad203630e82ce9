"""Words on the workbench: tried on stored calls, published as a version of their scenario, by a supervisor alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from workbench_bench import HOSTILE, WHERE, Workplace, workplace

from pipeline.stages import SCENARIOS

WORDS = "/v1/workbench/words"
LAST_CHANCE = {"name": "urgent", "title": HOSTILE, "role": "agent", "any_of": ["this is your last chance"]}


@pytest.fixture
async def place(tmp_path: Path) -> Workplace:
    return await workplace(tmp_path)


async def words(place: Workplace, who: str = "analyst") -> dict[str, Any]:
    async with place.as_(who) as client:
        found: dict[str, Any] = (await client.get(WORDS, params=WHERE)).json()
    return found


def body(lists: dict[str, Any], seen: int, **more: Any) -> dict[str, Any]:
    return {**WHERE, **lists, "seen": seen, **more}


async def test_published_words_are_a_new_version_which_running_stages_take_up(place: Workplace) -> None:
    before = await words(place)
    lists = {**before["words"], "forbidden_phrases": [*before["words"]["forbidden_phrases"], LAST_CHANCE]}
    async with place.as_("supervisor") as sue:
        told = (await sue.post(f"{WORDS}/difference", json={**WHERE, **lists})).json()
        assert any(line.startswith("+") and "urgent" in line for line in told["lines"])
        done = await sue.put(WORDS, json=body(lists, before["version"], reason="tried"))
    assert done.status_code == 200, done.text
    assert (done.json()["version"], done.json()["by"]) == (before["version"] + 1, "Sue")
    running = place.library("telecom", "acme")
    assert running.version == before["version"] + 1
    assert "urgent" in {one.name for one in running.editions["en"].words.forbidden_phrases}
    assert place.library("telecom", "umbrella").version == before["version"]
    (entry,) = await place.recorded("words publish")
    assert (entry.who, "tried" in entry.about) == ("k-supervisor", True)


async def test_a_trial_tells_what_is_new_and_what_is_gone(place: Workplace) -> None:
    before = await words(place)
    lists = {"forbidden_phrases": [LAST_CHANCE], "required_phrases": [], "sensitive_words": []}
    async with place.as_("analyst") as lin:
        tried = (await lin.post(f"{WORDS}/try", json={**WHERE, **lists})).json()
    assert (tried["calls"], len(tried["items"])) == (3, 3)
    rules = {(one["kind"], one["name"]): one for one in tried["items"][0]["rules"]}
    assert rules["forbidden_phrase", "urgent"]["change"] == "new"
    assert rules["forbidden_phrase", "urgent"]["places"][0]["quote"] == "this is your last chance"
    assert rules["forbidden_phrase", "false_urgency"]["change"] == "gone"
    assert rules["missing_phrase", "recording_notice"]["change"] == "gone"
    (entry,) = await place.recorded("words try")
    assert entry.call_count == 3
    assert await words(place) == before


async def test_what_is_not_valid_is_not_published(place: Workplace) -> None:
    before = await words(place)
    two = [LAST_CHANCE, LAST_CHANCE]
    wrong = {
        "/forbidden_phrases": {"forbidden_phrases": two},
        "/forbidden_phrases/0/any_of": {"forbidden_phrases": [{**LAST_CHANCE, "any_of": []}]},
        "/sensitive_words/0/any_of": {"sensitive_words": [{"name": "x", "title": "X", "any_of": ["a", "!?"]}]},
        "/required_phrases/0/role": {"required_phrases": [{"name": "x", "title": "X", "any_of": ["x"]}]},
    }
    async with place.as_("supervisor") as sue:
        for pointer, changed in wrong.items():
            refused = await sue.put(WORDS, json=body({**before["words"], **changed}, before["version"]))
            assert refused.status_code == 422
            assert [one["pointer"] for one in refused.json()["errors"]] == [pointer]
    assert place.broker.records(SCENARIOS) == []


async def test_a_phrase_that_a_card_waits_for_cannot_be_taken_away(place: Workplace) -> None:
    before = await words(place)
    async with place.as_("supervisor") as sue:
        refused = await sue.put(WORDS, json=body({**before["words"], "required_phrases": []}, before["version"]))
    assert refused.status_code == 422
    assert "missing_phrase" in refused.json()["detail"]
    assert place.broker.records(SCENARIOS) == []


async def test_who_has_not_seen_the_newest_version_is_told_the_difference(place: Workplace) -> None:
    before = await words(place)
    mine = {**before["words"], "sensitive_words": []}
    async with place.as_("supervisor") as sue, place.as_("admin") as ada:
        theirs = {**before["words"], "forbidden_phrases": [LAST_CHANCE]}
        assert (await ada.put(WORDS, json=body(theirs, before["version"]))).status_code == 200
        late = await sue.put(WORDS, json=body(mine, before["version"], base=before["words"]))
    assert late.status_code == 409
    assert (late.json()["version"], late.json()["by"]) == (before["version"] + 1, "Ada")
    assert {one["field"] for one in late.json()["fields"]} == {"forbidden_phrases", "sensitive_words"}


async def test_an_analyst_may_not_publish_words(place: Workplace) -> None:
    before = await words(place)
    async with place.as_("analyst") as lin:
        assert (await lin.put(WORDS, json=body(before["words"], before["version"]))).status_code == 403
