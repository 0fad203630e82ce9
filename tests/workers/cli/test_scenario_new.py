from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from pipeline.errors import ConvmineError
from pipeline.release.scenario_check import checked, warned
from pipeline.scenarios.load import load_scenario, shipped
from pipeline.scenarios.starting import starting_languages
from workers.cli import cli

OWN_PROMPT = """---
id: extract
version: 1
scenario: repairs
language: en
parameters: [turns]
---
# system
scenario: repairs
# user
{{ turns }}
"""


def run(*arguments: str, scenarios: Path | None = None) -> Result:
    env = {} if scenarios is None else {"CONVMINE_SCENARIOS_PATH": str(scenarios)}
    return CliRunner().invoke(cli, ["scenario", "new", *arguments], env=env)


def test_a_new_scenario_is_complete_and_has_nothing_to_complain_of_in_every_language(tmp_path: Path) -> None:
    languages = [word for language in starting_languages() for word in ("--language", language)]
    assert run("repairs", *languages, "--at", str(tmp_path)).exit_code == 0
    scenario = load_scenario(tmp_path / "repairs")
    assert set(scenario.editions) == {"en", "zh"}
    assert checked(scenario) == ()
    assert warned(scenario) == ()
    for edition in scenario.editions.values():
        taxonomy = edition.taxonomy
        assert all((taxonomy.none_examples, taxonomy.outcomes, taxonomy.entities, edition.playbook.cards))
        assert all((edition.words.required_phrases, edition.words.forbidden_phrases, edition.words.sensitive_words))


@pytest.mark.parametrize(
    "title", ['"Repairs": it\'s 100 % # easy', "维修与退换", "{{ title }} - {x}", "  lamps: a, b "]
)
def test_any_title_stays_as_it_was_given(tmp_path: Path, title: str) -> None:
    assert run("repairs", "--at", str(tmp_path), "--title", title).exit_code == 0
    assert load_scenario(tmp_path / "repairs").edition("en").title == title


def test_every_file_of_a_new_scenario_says_what_to_change(tmp_path: Path) -> None:
    run("repairs", "--at", str(tmp_path))
    for file in (tmp_path / "repairs").rglob("*.yaml"):
        assert file.read_text(encoding="utf-8").startswith("# ")


def test_the_commands_that_come_next_name_what_is_there(tmp_path: Path) -> None:
    shown = run("repairs", "--at", str(tmp_path / "my scenarios")).stdout
    commands = [shlex.split(line) for line in shown.splitlines() if line.startswith("  ")]
    assert [[word for word in words if re.fullmatch(r"scenario|validate|demo|push", word)] for words in commands] == [
        ["scenario", "validate"],
        ["demo"],
        ["scenario", "push"],
    ]
    assert commands[1][0] == f"CONVMINE_SCENARIOS_PATH={tmp_path / 'my scenarios'}"
    assert all(Path(words[-1]).exists() for words in commands)


def test_the_folder_of_the_settings_is_where_a_scenario_goes(tmp_path: Path) -> None:
    result = run("repairs", "--json", scenarios=tmp_path)
    assert json.loads(result.stdout)["folder"] == str(tmp_path / "repairs")
    assert (tmp_path / "repairs" / "scenario.yaml").is_file()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    run("repairs", "--at", str(tmp_path))
    (tmp_path / "repairs" / "scenario.yaml").write_text("mine", encoding="utf-8")
    result = run("repairs", "--at", str(tmp_path))
    assert isinstance(result.exception, ConvmineError)
    assert "is there already" in result.exception.message
    assert (tmp_path / "repairs" / "scenario.yaml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "wrong",
    [["Repairs"], ["any"], ["../x"], ["repairs", "--language", "de"], ["repairs", "--title", "two\nlines"]],
)
def test_what_cannot_be_a_scenario_is_refused_and_nothing_is_written(tmp_path: Path, wrong: list[str]) -> None:
    result = run(*wrong, "--at", str(tmp_path / "there"))
    assert result.exit_code == 2
    assert not (tmp_path / "there").exists()


def test_a_copy_is_the_same_scenario_under_another_name(tmp_path: Path) -> None:
    assert run("mobile", "--like", "telecom", "--at", str(tmp_path)).exit_code == 0
    copy, source = load_scenario(tmp_path / "mobile"), shipped("telecom")
    assert (copy.id, copy.version) == ("mobile", 1)
    assert copy.editions == source.editions


def test_a_copy_may_be_of_one_language_and_have_another_title(tmp_path: Path) -> None:
    run("mobile", "--like", "telecom", "--language", "zh", "--title", "手机", "--at", str(tmp_path))
    copy = load_scenario(tmp_path / "mobile")
    assert list(copy.editions) == ["zh"]
    assert copy.edition(None).title == "手机"


def test_a_copy_of_a_scenario_of_ones_own_takes_its_prompts_along(tmp_path: Path) -> None:
    run("repairs", "--at", str(tmp_path))
    prompt = tmp_path / "repairs" / "en" / "prompts" / "extract.v1.md"
    prompt.parent.mkdir()
    prompt.write_text(OWN_PROMPT, encoding="utf-8")
    manifest = tmp_path / "repairs" / "scenario.yaml"
    content = yaml.safe_load(manifest.read_text(encoding="utf-8"))
    manifest.write_text(yaml.safe_dump({**content, "models": {"extract": "small"}}), encoding="utf-8")
    assert run("mending", "--like", "repairs", scenarios=tmp_path).exit_code == 0
    copy = load_scenario(tmp_path / "mending")
    found = copy.edition("en").prompt("extract")
    assert found is not None
    assert (found.scenario, found.system) == ("mending", "scenario: repairs")
    assert copy.models == {"extract": "small"}
    assert not (tmp_path / "mending" / "en" / "conversation.json").exists()  # it names the other scenario


def test_a_copy_of_what_is_not_there_is_refused(tmp_path: Path) -> None:
    result = run("mobile", "--like", "bakery", "--at", str(tmp_path))
    assert isinstance(result.exception, ConvmineError)
    assert "no scenario 'bakery'" in result.exception.message
