from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine


def test_a_prompt_is_its_file_byte_for_byte(convmine: Convmine, own_prompts: Path) -> None:
    assert convmine("prompt", "show", "extract.v7").stdout == (own_prompts / "extract.v7.md").read_text()
    found = json.loads(convmine("prompt", "show", "extract.v7", "--json").stdout)
    assert (found["label"], found["defaults"]) == ("extract.v7", {"tone": "brief", "most": 7})
    assert found["text"] == (own_prompts / "extract.v7.md").read_text()


def test_a_copy_to_begin_with_goes_where_the_scenario_is_read_from_and_over_no_other_file(
    convmine: Convmine, own_prompts: Path
) -> None:
    copy = own_prompts / "summary.v1.md"
    convmine("prompt", "show", "summary.v1", "--out", str(copy))
    assert convmine("prompt", "show", "summary.v1").stdout == copy.read_text()
    refused = convmine("prompt", "show", "extract.v7", "--out", str(copy))
    assert refused.code == 1
    assert "is there already" in refused.stderr


def test_on_a_terminal_a_prompt_cannot_steer_it(
    convmine: Convmine, own_prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = own_prompts / "extract.v7.md"
    path.write_text(path.read_text() + "\x1b[31mred")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert " [31mred" in convmine("prompt", "show", "extract.v7").stdout


def test_the_difference_of_two_versions_is_a_unified_diff(convmine: Convmine, own_prompts: Path) -> None:
    lines = convmine("prompt", "diff", "extract.v7", "extract.v8").stdout.splitlines()
    assert lines[:2] == ["--- extract.v7", "+++ extract.v8"]
    assert {"-version: 7", "+version: 8"} <= set(lines)
    found = json.loads(convmine("prompt", "diff", "extract.v7", "extract.v8", "--json").stdout)
    assert (found["diff"], found["new"]["label"]) == (lines, "extract.v8")


def test_a_version_is_the_same_as_itself(convmine: Convmine) -> None:
    assert convmine("prompt", "diff", "extract.v2", "extract.v2").stdout == "extract.v2 and extract.v2 are the same\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("extract.v99",), "there are ask.v1, extract.v1, extract.v2, suggest.v1, summary.v1"),
        (("extract.v2", "--language", "fr"), "not there in 'fr'; there are en, zh"),
        (("extract.v2", "--scenario", "nope"), "no scenario 'nope'"),
    ],
)
def test_a_version_that_is_not_there_is_one_line_with_those_that_are(
    convmine: Convmine, arguments: tuple[str, ...], complaint: str
) -> None:
    done = convmine("prompt", "show", *arguments)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert complaint in done.stderr
