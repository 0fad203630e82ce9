from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from pipeline.release.scenario_check import checked, warned
from pipeline.scenarios.load import load_scenario, shipped, shipped_names, validated
from pipeline.scenarios.model import Scenario
from pipeline.scenarios.starting import starting_files

PROMPT = """---
id: extract
version: 7
scenario: repairs
language: en
parameters: [turns, mood]
---
# system
Label what was said in a {{ mood }} mood.
# user
{{ turns }}
"""
ANSWER: dict[str, Any] = {
    "intents": [{"segment": "s1", "intent": "report_problem", "quote": "the lamp is broken", "confidence": 0.9}],
    "entities": [],
    "topics": ["problem"],
    "outcome": None,
    "summary": "The lamp is broken.",
}


@cache
def starting() -> Scenario:
    """What `convmine scenario new repairs` writes: small, so that the classifier is soon fitted."""
    with TemporaryDirectory() as folder:
        for path, text in starting_files("repairs", {"en": "Repairs"}).items():
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text, encoding="utf-8")
        return load_scenario(Path(folder))


def changed(**fields: Any) -> Scenario:
    """The starting scenario with other fields in its edition."""
    content = json.loads(json.dumps(starting().model_dump(mode="json")))
    content["editions"]["en"].update(fields)
    return validated(Scenario, content, "repairs")


def taxonomy(**fields: Any) -> dict[str, Any]:
    return {**starting().edition("en").taxonomy.model_dump(mode="json"), **fields}


def card(text: str) -> dict[str, Any]:
    return {**starting().edition("en").playbook.cards[0].model_dump(mode="json"), "text": text}


def example(answer: Mapping[str, Any]) -> dict[str, Any]:
    turns = [
        {"role": "customer", "text": "hello the lamp is broken"},
        {"role": "agent", "text": "we will fix that"},
    ]
    return {"id": "lamp", "turns": turns, "answer": answer}


@pytest.mark.parametrize("name", shipped_names())
def test_of_a_shipped_scenario_there_is_nothing_to_complain(name: str) -> None:
    assert checked(shipped(name)) == ()
    assert warned(shipped(name)) == ()


def test_a_parameter_without_a_value_is_named_with_its_file() -> None:
    (complaint,) = checked(changed(prompts=[PROMPT]))
    assert complaint.startswith("en/prompts/extract.v7.md: parameters: mood has no value")


def test_a_parameter_with_a_default_has_a_value() -> None:
    assert checked(changed(prompts=[PROMPT.replace("mood]", "mood]\ndefaults: {mood: sober}")])) == ()


def test_a_template_that_cannot_be_filled_is_told() -> None:
    (complaint,) = checked(changed(prompts=[PROMPT.replace(", mood", "").replace("{{ mood }}", "{{ turns.nope.x }}")]))
    assert complaint.startswith("en/prompts/extract.v7.md: ")
    assert "nope" in complaint


def test_an_example_that_says_what_was_said_is_right() -> None:
    assert checked(changed(examples=[example(ANSWER)])) == ()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"intents": [{**ANSWER["intents"][0], "intent": "nope"}]}, "intents.0.intent: 'nope' is not one of"),
        ({"intents": [ANSWER["intents"][0], {**ANSWER["intents"][0], "quote": "it crashes"}]}, "intents.1: its words"),
        ({"intents": [{**ANSWER["intents"][0], "segment": "s2", "quote": "fix that"}]}, "intents.0: its words"),
        ({"outcome": {"name": "solved", "segment": "s9", "quote": "fix", "reason": ""}}, "outcome: its words"),
        ({"summary": None}, "summary"),
    ],
)
def test_an_example_whose_answer_no_model_may_give_is_told_with_its_field(wrong: dict[str, Any], message: str) -> None:
    (complaint,) = checked(changed(examples=[example({**ANSWER, **wrong})]))
    assert complaint.startswith("en/examples.yaml: lamp.answer")
    assert message in complaint


def test_a_card_with_a_slot_that_is_no_entity_is_told() -> None:
    (complaint,) = checked(changed(playbook={"cards": [card("Ask for {shoe_size} and {product}.")]}))
    assert complaint.startswith("en/playbook.yaml: cards.answer-problem.text: {shoe_size} is no entity; there are ")


def test_examples_without_a_word_and_a_single_intent_teach_nothing() -> None:
    intents = taxonomy()["intents"][:1]
    one = changed(taxonomy=taxonomy(intents=intents, outcomes=[]), words={}, playbook={})
    assert checked(one) == ("en/taxonomy.yaml: intents: there is one; nothing can be told apart",)
    wordless = changed(taxonomy=taxonomy(none_examples=["okay", "?!"]))
    assert checked(wordless) == ("en/taxonomy.yaml: none_examples: '?!' has no word",)


def test_what_works_and_is_hardly_meant_so_is_a_warning() -> None:
    intents = taxonomy()["intents"]
    intents[1]["examples"].append(intents[0]["examples"][0])
    content = changed(taxonomy=taxonomy(intents=intents), knowledge=[], playbook={}).model_dump(mode="json")
    scenario = validated(Scenario, {**content, "models": {"translate": "some-model"}}, "repairs")
    assert [warning.partition(": ")[0] for warning in warned(scenario)] == [
        "scenario.yaml",
        "en/knowledge",
        "en/playbook.yaml",
        "en/taxonomy.yaml",
    ]
    assert "ask_information" in warned(scenario)[-1]


def test_editions_that_name_different_intents_are_a_warning() -> None:
    content = json.loads(json.dumps(shipped("telecom").model_dump(mode="json")))
    chinese = content["editions"]["zh"]
    chinese["taxonomy"]["intents"] = [
        one for one in chinese["taxonomy"]["intents"] if one["name"] != "roaming_question"
    ]
    (warning,) = warned(validated(Scenario, content, "telecom"))
    assert warning == "zh/taxonomy.yaml: intents: not the same as in 'en': roaming_question"
