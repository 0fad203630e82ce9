from __future__ import annotations

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


def test_the_shipped_scenario_loads_in_both_languages_with_the_same_intents() -> None:
    assert shipped_names() == ("telecom",)
    scenario = shipped("telecom")
    english, chinese = scenario.edition("en"), scenario.edition("zh")
    assert [intent.name for intent in english.taxonomy.intents] == [intent.name for intent in chinese.taxonomy.intents]
    for edition in (english, chinese):
        assert edition.knowledge
        assert edition.prompt("extract") is not None


@pytest.mark.parametrize(
    ("asked", "given"), [("zh-CN", "zh"), ("zh", "zh"), ("en-GB", "en"), ("de", "en"), (None, "en")]
)
def test_an_edition_falls_back_from_region_to_language_to_default(asked: str | None, given: str) -> None:
    assert shipped("telecom").edition(asked).language == given


def test_an_unknown_scenario_is_refused_by_name() -> None:
    with pytest.raises(ScenarioError, match="no scenario 'bakery'; there are telecom"):
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


def test_a_prompt_whose_front_matter_names_another_file_is_refused(folder: Path) -> None:
    path = folder / "en" / "prompts" / "extract.v1.md"
    path.rename(path.with_name("extract.v9.md"))
    with pytest.raises(
        ScenarioError, match=re.escape("extract.v9.md: the front matter says telecom, en, extract.v1.md")
    ):
        load_scenario(folder)


def test_the_newest_version_of_a_prompt_counts(folder: Path) -> None:
    first = folder / "en" / "prompts" / "extract.v1.md"
    newer = first.read_text(encoding="utf-8").replace("version: 1", "version: 10")
    first.with_name("extract.v10.md").write_text(newer, encoding="utf-8")
    prompt = load_scenario(folder).edition("en").prompt("extract")
    assert prompt is not None
    assert prompt.label == "extract.v10"


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
    with pytest.raises(ScenarioError, match=r"entities\.money\.values: 'large' is there twice"):
        load_scenario(folder)
