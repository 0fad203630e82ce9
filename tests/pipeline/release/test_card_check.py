"""Cards in files, and whether they fit a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
from published_cards import content
from published_config import scenario

from pipeline.release.card_check import card_in, fitting
from pipeline.scenarios.files import ScenarioError

EDITION = scenario().edition("en")


@pytest.mark.parametrize(
    "text",
    [
        "title: A\ntext: B\n",
        "- {id: other}\n- {id: offer, title: A, text: B}\n",
        "cards:\n- {id: offer, title: A, text: B}\n",
    ],
    ids=["card", "list", "playbook"],
)
def test_a_card_is_found_in_a_file_of_one_in_a_list_and_in_a_playbook(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.yaml").write_text(text)
    assert dict(card_in(tmp_path / "card.yaml", "offer")) == {"id": "offer", "title": "A", "text": "B"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- {id: one}\n- {id: two}\n", "no card is 'offer'; there are one, two"),
        ("cards: []\n", "is no card, and no list of cards"),
        ("just words\n", "is no card, and no list of cards"),
        ("", "is no card, and no list of cards"),
        ("title: A\ntitle: B\n", "'title' is there twice"),
        ("{", "is no YAML"),
    ],
)
def test_a_file_without_the_card_is_said_to_be_so(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "card.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=r"card\.yaml: ") as error:
        card_in(tmp_path / "card.yaml", "offer")
    assert reason in str(error.value)


def test_a_draft_needs_nobody_who_approved_it() -> None:
    draft = {name: value for name, value in content().items() if name != "approved_by"}
    assert fitting(draft, "offer", EDITION).title == "Offer an exchange"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"id": "other"}, "card offer: id: is 'other'"),
        ({"priority": 101}, "card offer: priority: "),
        ({"trigger": {}}, "card offer: trigger: names none of"),
        ({"trigger": {"topic": "weather"}}, "card offer: playbook.yaml: cards.offer.trigger.topic: 'weather' is not"),
        ({"text": "Ask for {size}."}, "card offer: text: {size} is no entity; there are none"),
        ({"colour": "red"}, "card offer: colour: there is no such field"),
    ],
)
def test_what_does_not_fit_is_named_by_its_field(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ScenarioError) as error:
        fitting({**content(), **change}, "offer", EDITION)
    assert str(error.value).startswith(complaint)
