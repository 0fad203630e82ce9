from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine

pytestmark = pytest.mark.usefixtures("in_a_folder_of_its_own")

LOCKER = [f"the parcel locker at the {place} does not open" for place in ("station", "market", "school", "harbour")]
INVOICE = [f"please send the invoice of {month} to my tax adviser" for month in ("may", "june", "july", "march")]


@pytest.fixture
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def file_of(path: Path, *, broken: str = "") -> Path:
    rows = [{"utterance_id": f"u{number}", "utterance": text} for number, text in enumerate((*LOCKER, *INVOICE))]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows) + broken)
    return path


def discovered(convmine: Convmine, *arguments: str) -> dict[str, Any]:
    done = convmine("discover", *arguments, "--json")
    assert done.code == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def test_every_utterance_of_a_file_gets_a_cluster_and_broken_rows_are_told(convmine: Convmine, tmp_path: Path) -> None:
    file = file_of(tmp_path / "rows.jsonl", broken='{"id": "x"}\nnothing\n')
    found = discovered(convmine, "--input", str(file), "--k", "2")
    assert set(found["assignments"]) == {f"u{number}" for number in range(8)}
    assert len({found["assignments"][f"u{number}"] for number in range(4)}) == 1
    assert [(one["id"], one["size"]) for one in found["clusters"]] == [(1, 4), (2, 4)]
    assert "locker" in found["clusters"][found["assignments"]["u0"] - 1]["name"]
    assert [one["line"] for one in found["left_out"]] == [9, 10]
    shown = convmine("discover", "--input", str(file), "--k", "2")
    assert "invoice" in shown.stdout
    assert "line 10 left out: is no JSON" in shown.stderr
    assert f"--accept N --scenario NAME --seen {found['seen']}" in shown.stderr


def test_an_accepted_cluster_is_a_scenario_to_check_and_the_next_one_joins_it(
    convmine: Convmine, tmp_path: Path
) -> None:
    options = ("--input", str(file_of(tmp_path / "rows.jsonl")), "--k", "2", "--scenario", "support")
    found = discovered(convmine, *options)
    first, second = (found["assignments"][id_] for id_ in ("u0", "u4"))
    accepted = discovered(
        convmine, *options, "--accept", str(first), "--seen", found["seen"], "--name", "locker_shut", "--topic", "fault"
    )["proposal"]
    assert accepted["intents"] == {str(first): "locker_shut"}
    assert convmine("scenario", "validate", "proposals/support").code == 0
    done = convmine("discover", *options, "--accept", str(second), "--name", "send_invoice")
    assert done.code == 0
    assert "proposed in proposals/support (support v2): send_invoice" in done.stderr
    text = Path("proposals/support/en/taxonomy.yaml").read_text()
    assert text.count("# Approved by: (who approves it)") == 2
    assert Path("proposals/support/scenario.yaml").read_text().count("version: 2") == 1
    again = convmine("discover", *options, "--accept", str(second), "--name", "send_invoice")
    assert "send_invoice is an intent already" in again.stderr


def test_clusters_that_are_not_those_that_were_shown_are_not_accepted(convmine: Convmine, tmp_path: Path) -> None:
    options = ("--input", str(file_of(tmp_path / "rows.jsonl")), "--scenario", "support", "--accept", "1")
    refused = convmine("discover", *options, "--seen", "0000")
    assert refused.code == 1
    assert "are not those of 0000 any more" in refused.stderr
    assert not Path("proposals").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--k", "0"), "neither auto nor a number"),
        (("--since", "7d"), "--input has no calls"),
        (("--name", "x"), "--name is for one --accept"),
        (("--accept", "99", "--scenario", "support"), "there is no cluster 99"),
        (("--accept", "1"), "--accept needs --scenario"),
        (("--accept", "1", "--scenario", "support", "--role", "both"), "--role customer or --role agent"),
        (("--accept", "1", "--scenario", "support", "--language", "zh"), "not there in 'zh'"),
    ],
)
def test_options_that_do_not_fit_are_said_to(
    convmine: Convmine, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = convmine("discover", "--input", str(file_of(tmp_path / "rows.jsonl")), *options)
    assert done.code == 2
    assert said in done.stderr


def test_an_unknown_scenario_and_a_file_without_utterances_fail_in_one_line(convmine: Convmine, tmp_path: Path) -> None:
    file = file_of(tmp_path / "rows.jsonl")
    unknown = convmine("discover", "--input", str(file), "--accept", "1", "--scenario", "moon")
    assert (unknown.code, unknown.stderr.count("\n")) == (1, 1)
    empty = tmp_path / "empty.jsonl"
    empty.write_text("")
    done = convmine("discover", "--input", str(empty))
    assert (done.code, done.stderr.count("\n")) == (1, 1)
    assert "there is no utterance in it" in done.stderr


def test_of_stored_calls_what_intents_stand_on_is_left_out(analyst: Convmine) -> None:
    found = discovered(analyst)
    assert (found["read"], found["covered"], found["trivial"]) == (5, 4, 0)
    (cluster,) = found["clusters"]
    assert (cluster["size"], cluster["calls"], cluster["scenarios"]) == (1, 1, ["telecom"])
    shown = analyst("discover")
    assert "5 utterances of 2 calls; left out: 4 covered by intents, 0 trivial" in shown.stderr
    assert "\x1b" not in shown.stdout


def test_of_a_time_without_calls_it_says_what_left_nothing(analyst: Convmine) -> None:
    done = analyst("discover", "--until", "2020-01-01")
    assert done.code == 0
    assert done.stdout == ""
    assert "nothing found: started<2020-01-01" in done.stderr


def test_in_an_empty_store_it_says_how_to_fill_it(convmine: Convmine) -> None:
    done = convmine("discover")
    assert done.code == 0
    assert "nothing is stored yet" in done.stderr
