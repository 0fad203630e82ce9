from __future__ import annotations

import shutil
from datetime import date
from functools import cache
from importlib.resources import as_file
from pathlib import Path

import pytest
import yaml
from mined_calls import TENANT
from planted_calls import UNTIL, planted, shuffled
from pydantic import TypeAdapter

from pipeline.questions.answering import KINDS, StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.coaching.best_agents import FEWEST_DECIDED, best, ranked
from pipeline.questions.coaching.card_file import card_file
from pipeline.questions.coaching.coach import Coached
from pipeline.questions.coaching.proposals import ProposedCard
from pipeline.questions.condition import parse_condition
from pipeline.questions.differences.contrasts import Contrast, Quote, share
from pipeline.questions.differences.statistics import difference
from pipeline.questions.question import Coach
from pipeline.release.scenario_check import checked
from pipeline.samples.synthetic.effects import PLANTED
from pipeline.scenarios.load import ScenarioError, load_scenario, shipped_folder
from pipeline.store.known import Unknown
from pipeline.testing import InMemoryStore

WEAK = PLANTED.weak_agent


@cache
def store() -> InMemoryStore:
    return planted()


async def coached(agent: str = WEAK, *where: str, of: InMemoryStore | None = None, asker: str | None = None) -> Coached:
    question = Coach(agent=agent, where=tuple(map(parse_condition, where)))
    answer = await StoredAnswers(of or store(), Asker(TENANT, asker), lambda: UNTIL).answer(question)
    assert isinstance(answer, Coached)
    return answer


_ANSWER: list[Coached] = []


async def of_the_weak() -> Coached:
    """The answer that most tests look at; it takes a second to make."""
    if not _ANSWER:
        _ANSWER.append(await coached())
    return _ANSWER[0]


async def test_where_the_weak_agent_falls_behind_is_found() -> None:
    found = await of_the_weak()
    behind = {(one.what, one.name): one for one in found.behind}
    assert behind["handling", "price"].points < -0.2
    assert ("intent", "make_offer") in behind
    assert {one.a.of for one in found.intents} == {found.calls}
    assert WEAK not in {row.agent for row in found.best}
    assert found.agents == 12
    assert found.place is not None


async def test_the_best_agent_is_not_behind() -> None:
    assert (await coached(PLANTED.best_agent)).behind == ()


async def test_where_agents_are_alike_nobody_falls_behind() -> None:
    assert (await coached(of=shuffled("agent", seed=1))).behind == ()


async def test_calls_to_listen_to_are_lost_ones_with_an_open_objection_and_won_ones_with_an_answer() -> None:
    found = await of_the_weak()
    assert found.listen
    assert found.listen_best
    topics = {one.topic for one in found.listen}
    for one in found.listen:
        assert (one.agent, one.answer) == (WEAK, None)
        assert said(one.call_id, one.start_ms).endswith(one.quote) or one.quote in said(one.call_id, one.start_ms)
    for one in found.listen_best:
        assert one.agent in {row.agent for row in found.best}
        assert one.answer
        assert one.topic in topics


def said(call_id: str, start_ms: int) -> str:
    (text,) = (
        str(point.payload["text"])
        for point in store().points["utterances"].values()
        if (point.payload["call_id"], point.payload["start_ms"]) == (call_id, start_ms)
    )
    return text


async def test_cards_are_proposed_from_what_was_done_after_an_objection_in_won_calls() -> None:
    cards = (await of_the_weak()).cards
    texts = [str(one.card["text"]) for one in cards]
    assert any("loyalty discount" in text for text in texts)
    assert any(one.evidence.name == "make_offer" for one in cards)
    for one in cards:
        assert one.evidence.points > 0
        assert one.quotes
        assert "approved_by" not in one.card
        assert one.card["trigger"]["topic"] == one.topic


async def test_where_nothing_goes_with_winning_no_card_is_proposed() -> None:
    mixed = shuffled("outcome_inferred", "outcome_inferred_result", seed=3)
    assert (await coached(of=mixed)).cards == ()


async def test_a_scenario_takes_the_cards_once_a_person_has_approved_them(tmp_path: Path) -> None:
    cards = (await of_the_weak()).cards
    text = card_file(cards, outcomes="inferred", drawn_from="all calls")
    folder = tmp_path / "telecom"
    with as_file(shipped_folder("telecom")) as shipped:
        shutil.copytree(shipped, folder)
    playbook = folder / "en" / "playbook.yaml"
    pasted = text.partition("cards:\n")[2]
    before = playbook.read_text(encoding="utf-8").rstrip("\n")
    playbook.write_text(f"{before}\n{pasted}", encoding="utf-8")
    with pytest.raises(ScenarioError, match="approved_by"):
        load_scenario(folder)
    approved = pasted.replace("# approved_by: (who approves it)", "approved_by: Head of Retention")
    playbook.write_text(f"{before}\n{approved}", encoding="utf-8")
    scenario = load_scenario(folder)
    assert list(checked(scenario)) == []
    ids = {card.id: card for card in scenario.editions["en"].playbook.cards}
    assert {str(one.card["id"]) for one in cards} <= set(ids)
    assert ids[str(cards[0].card["id"])].valid_from == date(2026, 3, 10)


def test_words_of_a_call_cannot_break_out_of_the_file() -> None:
    evidence = Contrast("intent", "make_offer", "agent", share(9, 10), share(1, 10), difference(9, 10, 1, 10), 0.001)
    quote = Quote("k1", "agent", 1_000, "yes\n  - id: evil\u2028\x85  - id: worse")
    card = {"id": "after-price-make_offer", "title": "t", "text": "x: {y}\n# no"}
    proposed = ProposedCard("telecom", "en", "price", card, evidence, (quote,))
    document = yaml.safe_load(card_file([proposed], outcomes="inferred", drawn_from="all calls"))
    assert document == {"cards": [card]}


async def test_an_agent_who_asks_sees_their_own_calls_and_nobody_elses() -> None:
    found = await coached(asker=WEAK)
    assert found.best == ()
    assert found.listen_best == ()
    assert found.handling[0].a.of > 0
    assert any(note.startswith("nobody to compare with") for note in found.notes)
    with pytest.raises(Unknown):
        await coached("agent-01", asker=WEAK)


async def test_an_unknown_agent_names_the_nearest_and_a_condition_that_left_nothing_is_named() -> None:
    with pytest.raises(Unknown) as caught:
        await coached("agent-0")
    assert "agent-0" in (caught.value.hint or "")
    assert (await coached(WEAK, "team=south")).emptied_by == f"agent={WEAK}"
    assert (await coached(WEAK, "started<2020-01-01")).emptied_by == "started<2020-01-01"


def test_the_best_are_those_who_surely_win_most() -> None:
    won = {"lucky": 10, "steady": 80, "poor": 10, "few": FEWEST_DECIDED - 1, "fair": 50}
    lost = {"lucky": 1, "steady": 20, "poor": 90, "fair": 50}
    rows = ranked(won, lost)
    assert [row.agent for row in rows] == ["steady", "lucky", "fair", "poor"]
    assert [row.agent for row in best(rows)] == ["steady", "lucky", "fair"]
    many = ranked({f"a{number:02}": 10 + number for number in range(20)}, dict.fromkeys((), 0))
    assert len(best(many)) == 5


async def test_the_answer_can_be_sent_and_read_back() -> None:
    found = await of_the_weak()
    adapter: TypeAdapter[Coached] = TypeAdapter(KINDS[Coach].answers(None))
    assert adapter.validate_json(adapter.dump_json(found)) == found
