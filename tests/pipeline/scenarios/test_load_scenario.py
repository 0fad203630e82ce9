from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import pipeline.scenarios
from pipeline.privacy.placeholders import Placeholder
from pipeline.scenarios.load import ScenarioError, load_scenario, shipped, shipped_names
from pipeline.scenarios.model import Scenario

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped scenario, to be spoilt."""
    source = Path(pipeline.scenarios.__file__).parent / "telecom"
    return Path(shutil.copytree(source, tmp_path / "telecom"))


def spoil(folder: Path, name: str, edit: Edit) -> None:
    path = folder / name
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_scenario_has_the_same_names_in_all_its_languages(name: str) -> None:
    scenario = shipped(name)
    names = {tuple(one.name for one in edition.taxonomy.intents) for edition in scenario.editions.values()}
    assert scenario.id == name
    assert len(names) == 1
    assert all(edition.knowledge and edition.prompt("extract") for edition in scenario.editions.values())


@pytest.mark.parametrize("name", shipped_names())
def test_a_scenario_that_is_written_as_json_reads_back_as_the_same(name: str) -> None:
    scenario = shipped(name)
    written = json.dumps(scenario.model_dump(mode="json"))
    assert Scenario.model_validate(json.loads(written)) == scenario


@pytest.mark.parametrize(
    ("asked", "given"), [("zh-CN", "zh"), ("zh", "zh"), ("en-GB", "en"), ("de", "en"), (None, "en")]
)
def test_an_edition_falls_back_from_region_to_language_to_default(asked: str | None, given: str) -> None:
    assert shipped("telecom").edition(asked).language == given


def test_an_unknown_scenario_is_refused_by_name() -> None:
    with pytest.raises(ScenarioError, match=r"no scenario 'bakery'; there are .*telecom"):
        shipped("bakery")


def test_a_scenario_is_frozen() -> None:
    with pytest.raises(ValidationError):
        shipped("telecom").version = 2  # type: ignore[misc]  # that this is refused is the point


@pytest.mark.parametrize(
    ("name", "edit", "message"),
    [
        ("scenario.yaml", lambda c: c.update(colour="red"), r"scenario\.yaml: colour"),
        ("scenario.yaml", lambda c: c.update(default_language="fr"), r"scenario\.yaml: default_language"),
        ("scenario.yaml", lambda c: c["title"].pop("zh"), r"scenario\.yaml: title.*'zh'"),
        (
            "en/taxonomy.yaml",
            lambda c: c["intents"].append(c["intents"][0]),
            r"intents: 'cancel_contract' is there twice",
        ),
        (
            "en/taxonomy.yaml",
            lambda c: c["intents"][0].update(topic="nope"),
            r"intents\.cancel_contract\.topic: 'nope'",
        ),
        ("en/taxonomy.yaml", lambda c: c["intents"][0].update(examples=[]), r"intents\.0\.examples"),
        ("en/taxonomy.yaml", lambda c: c["intents"][0].update(role="robot"), r"intents\.0\.role"),
        ("en/taxonomy.yaml", lambda c: c["outcomes"][0].update(intents=["nope"]), r"outcomes\.bought\.intents: 'nope'"),
        ("en/taxonomy.yaml", lambda c: c["outcomes"][0]["intents"].append("refuse_offer"), r"decides two outcomes"),
        (
            "en/taxonomy.yaml",
            lambda c: c["entities"][0].update(patterns=["(a"]),
            r"entities\.0\.patterns\.0.*no regular",
        ),
        ("en/taxonomy.yaml", lambda c: c["entities"][0].update(patterns=["a*"]), r"matches the empty string"),
        ("en/taxonomy.yaml", lambda c: c.pop("none_examples"), r"en/taxonomy\.yaml: none_examples"),
        ("zh/playbook.yaml", lambda c: c["cards"].append(c["cards"][0]), r"zh/playbook\.yaml.*is there twice"),
        (
            "en/playbook.yaml",
            lambda c: c["cards"][0]["trigger"].update(intent="nope"),
            r"cards\.\S+\.trigger\.intent: 'nope'",
        ),
        ("en/playbook.yaml", lambda c: c["cards"][0]["trigger"].clear(), r"trigger.*names none of"),
        ("en/playbook.yaml", lambda c: c["cards"][0].update(valid_to="2020-01-01"), r"valid_to lies before"),
        ("en/playbook.yaml", lambda c: c["cards"][0].update(approved_by=""), r"cards\.0\.approved_by"),
        ("en/words.yaml", lambda c: c["required_phrases"][0].update(when_outcome="nope"), r"when_outcome: 'nope'"),
    ],
)
def test_a_mistake_is_refused_with_file_and_field(folder: Path, name: str, edit: Edit, message: str) -> None:
    spoil(folder, name, edit)
    with pytest.raises(ScenarioError, match=message):
        load_scenario(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "zh" / "words.yaml").unlink()
    with pytest.raises(ScenarioError, match=r"zh/words\.yaml: the file is missing"):
        load_scenario(folder)


def test_a_file_that_is_no_yaml_is_named(folder: Path) -> None:
    (folder / "en" / "taxonomy.yaml").write_text("topics: [", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"en/taxonomy\.yaml: is no YAML"):
        load_scenario(folder)


OWN_PROMPT = """---
id: extract
version: 10
scenario: telecom
language: en
parameters: [turns]
---
# system
Label what was said.
# user
{{ turns }}
"""


def with_own_prompt(folder: Path, name: str = "extract.v10.md", text: str = OWN_PROMPT) -> Path:
    path = folder / "en" / "prompts" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_prompt_whose_front_matter_names_another_file_is_refused(folder: Path) -> None:
    with_own_prompt(folder, "extract.v9.md")
    with pytest.raises(
        ScenarioError, match=re.escape("extract.v9.md: the front matter says telecom, en, extract.v10.md")
    ):
        load_scenario(folder)


def test_an_undeclared_parameter_of_a_template_is_named(folder: Path) -> None:
    with_own_prompt(folder, text=OWN_PROMPT.replace("{{ turns }}", "{{ turns }} {{ mood }}"))
    with pytest.raises(
        ScenarioError, match=r"^en/prompts/extract\.v10\.md: parameters: mood used in the text but not declared$"
    ):
        load_scenario(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cards:\n\t- id: x\n", r"en/playbook\.yaml: is no YAML in line 2: .*"),
        ("cards: []\ncards: []\n", r"en/playbook\.yaml: is no YAML in line 2: 'cards' is there twice"),
        ("cards: []\ncolour: red\n", r"en/playbook\.yaml: colour: there is no such field"),
    ],
)
def test_a_tab_a_field_that_is_there_twice_and_an_unknown_one_are_told_in_a_line(
    folder: Path, text: str, message: str
) -> None:
    (folder / "en" / "playbook.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        load_scenario(folder)
    assert re.fullmatch(message, str(refused.value))


def test_all_that_is_wrong_in_all_files_is_told_together(folder: Path) -> None:
    spoil(folder, "en/words.yaml", lambda content: content.update(colour="red"))
    spoil(folder, "en/taxonomy.yaml", lambda content: content["intents"][0].update(topic="nope", role="robot"))
    (folder / "zh" / "playbook.yaml").unlink()
    with pytest.raises(ScenarioError) as refused:
        load_scenario(folder)
    assert [complaint.partition(":")[0] for complaint in refused.value.complaints] == [
        "en/taxonomy.yaml",
        "en/words.yaml",
        "zh/playbook.yaml",
    ]


EXAMPLE = {
    "id": "leaves",
    "turns": [{"role": "customer", "text": "i want to cancel my contract"}],
    "answer": {"intents": []},
}


def test_a_prompt_of_its_own_may_show_an_example_of_the_folder_and_no_other(folder: Path) -> None:
    with_own_prompt(folder, text=OWN_PROMPT.replace("parameters: [turns]", "parameters: [turns]\nexamples: [leaves]"))
    with pytest.raises(ScenarioError, match=r"extract\.v10\.examples: 'leaves' is not defined"):
        load_scenario(folder)
    (folder / "en" / "examples.yaml").write_text(yaml.safe_dump([EXAMPLE]), encoding="utf-8")
    assert [one.id for one in load_scenario(folder).edition("en").examples] == ["leaves"]


def test_an_edition_of_a_region_has_the_shared_prompts_of_its_language(folder: Path) -> None:
    (folder / "zh").rename(folder / "zh-TW")
    spoil(
        folder,
        "scenario.yaml",
        lambda content: content.update(languages=["en", "zh-TW"], title={"en": "Plans", "zh-TW": "方案"}),
    )
    prompt = load_scenario(folder).edition("zh-TW").prompt("extract")
    assert prompt is not None
    assert prompt.language == "zh"


def test_the_newest_version_of_a_prompt_counts(folder: Path) -> None:
    with_own_prompt(folder)
    with_own_prompt(folder, "extract.v2.md", OWN_PROMPT.replace("version: 10", "version: 2"))
    prompt = load_scenario(folder).edition("en").prompt("extract")
    assert prompt is not None
    assert prompt.label == "extract.v10"


def test_prompts_of_its_own_hide_the_shared_ones_of_their_id_and_no_others(folder: Path) -> None:
    shared = {prompt.label for prompt in load_scenario(folder).edition("en").prompts}
    with_own_prompt(folder)
    scenario = load_scenario(folder)
    labels = [prompt.label for prompt in scenario.edition("en").prompts]
    assert shared == {"ask.v1", "extract.v1", "extract.v2", "suggest.v1", "summary.v1"}
    assert labels == ["extract.v10", "ask.v1", "suggest.v1", "summary.v1"]
    assert {prompt.label for prompt in scenario.edition("zh").prompts} == shared


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_prompt_names_every_placeholder_of_masking(language: str) -> None:
    prompt = shipped("telecom").edition(language).prompt("extract")
    assert prompt is not None
    assert all(placeholder.value in prompt.system for placeholder in Placeholder)


def test_an_intent_that_answers_an_unknown_one_is_refused(folder: Path) -> None:
    spoil(folder, "en/taxonomy.yaml", lambda content: content["intents"][0].update(answers=["price_rejection"]))
    with pytest.raises(ScenarioError, match="'price_rejection' is not defined"):
        load_scenario(folder)


def test_a_name_of_two_values_is_refused(folder: Path) -> None:
    twice = [{"value": "big", "said": ["large"]}, {"value": "vast", "said": ["large"]}]
    spoil(folder, "en/taxonomy.yaml", lambda content: content["entities"][0].update(values=twice))
    with pytest.raises(ScenarioError, match=r"entities\.competitor\.values: 'large' is there twice"):
        load_scenario(folder)
