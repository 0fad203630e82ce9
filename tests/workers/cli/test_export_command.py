"""``convmine export`` as it is run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from mined_store import Convmine

from pipeline.export.outputs import TextOutput
from pipeline.export.parquet import arrow


def test_tables_become_files_of_a_folder(analyst: Convmine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = analyst("export", "csv", "--out", str(out))
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("wrote 2 calls, 9 utterances, 4 intents, 2 suggestions to")
    with (out / "calls.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["call_id"]: row for row in csv.DictReader(file)}
    assert rows["call-two"]["outcome_inferred_result"] == "lost"
    assert rows["call-two"]["outcome_observed_result"] == "won"
    assert not (tmp_path / "out.export").exists()


def test_conditions_narrow_what_is_written_to_standard_output(analyst: Convmine) -> None:
    done = analyst("export", "jsonl", "--out", "-", "--rows", "intents", "--intent", "price_concern")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted((row["call_id"], row["intent"]) for row in rows) == [
        ("call-one", "price_concern"),
        ("call-two", "price_concern"),
    ]


def test_parquet_has_typed_columns_and_costs_are_a_table_too(analyst: Convmine, tmp_path: Path) -> None:
    done = analyst("export", "parquet", "--out", str(tmp_path / "out"), "--rows", "utterances,costs", "--json")
    assert json.loads(done.stdout)["rows"] == {"utterances": 9, "costs": 0}
    found = arrow().parquet.read_table(tmp_path / "out" / "utterances-00001.parquet")
    assert str(found.schema.field("start_ms").type) == "int64"
    assert str(found.schema.field("started_at").type) == "timestamp[us]"


def test_a_vcon_is_the_one_that_calls_transcript_prints(analyst: Convmine, tmp_path: Path) -> None:
    assert analyst("export", "vcon", "--out", str(tmp_path)).code == 0
    printed = analyst("calls", "transcript", "call-one", "--format", "vcon").stdout
    assert (tmp_path / "call-one.vcon.json").read_text() == printed


def test_an_export_that_was_interrupted_goes_on_when_it_is_run_again(
    analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("export", "jsonl", "--out", str(tmp_path / "out"), "--rows", "calls,utterances")

    def interrupted(self: TextOutput) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TextOutput, "finish", interrupted)
        assert analyst(*command).code == 130
    assert (tmp_path / "out.export").exists()
    other = analyst("export", "jsonl", "--out", str(tmp_path / "out"), "--rows", "calls")
    assert (other.code, "another export" in other.stderr) == (1, True)
    done = analyst(*command)
    assert (done.code, done.stderr) == (0, "went on after 2 rows that were there\n")
    assert len((tmp_path / "out" / "calls.jsonl").read_text().splitlines()) == 2
    assert len((tmp_path / "out" / "utterances.jsonl").read_text().splitlines()) == 9


def test_of_an_export_without_rows_it_is_said_what_left_nothing(analyst: Convmine, tmp_path: Path) -> None:
    for out in ("-", str(tmp_path / "calls.csv")):
        done = analyst("export", "csv", "--rows", "calls", "--out", out, "--until", "2026-03-02")
        assert (done.code, done.stderr) == (0, "nothing found: started<2026-03-02T00:00:00+00:00 left nothing\n")
        assert "call-one" not in done.stdout


def test_after_a_mistake_the_right_command_can_follow(analyst: Convmine, tmp_path: Path) -> None:
    command = ("export", "csv", "--out", str(tmp_path / "out"))
    assert analyst(*command, "--scenario", "telecon").code == 1
    done = analyst(*command, "--scenario", "telecom")
    assert done.code == 0, done.stderr


def test_what_is_there_is_written_over_only_when_it_is_said(analyst: Convmine, tmp_path: Path) -> None:
    command = ("export", "csv", "--out", str(tmp_path / "calls.csv"), "--rows", "calls")
    (tmp_path / "calls.csv").write_text("mine")
    refused = analyst(*command)
    assert (refused.code, "is there already" in refused.stderr) == (1, True)
    assert (tmp_path / "calls.csv").read_text() == "mine"
    assert analyst(*command, "--overwrite").code == 0
    assert (tmp_path / "calls.csv").read_text().startswith("call_id,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("csv", "--out", "-"), "name it with --rows"),
        (("parquet", "--out", "-", "--rows", "calls"), "csv or jsonl"),
        (("csv", "--out", "x.csv"), "x.csv takes one table"),
        (("csv", "--out", "x.jsonl", "--rows", "calls"), "no name of a folder"),
        (("csv", "--out", "x", "--rows", "cals"), "no rows 'cals'"),
        (("vcon", "--out", "x", "--rows", "calls"), "a file a call"),
        (("jsonl", "--out", "x", "--exact"), "--exact"),
        (("csv", "--out", "x", "--rows", "costs", "--role", "agent"), "costs cannot be narrowed"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    arguments: tuple[str, ...], said: str, analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = analyst("export", *arguments)
    assert (done.code, said in done.stderr, list(tmp_path.iterdir())) == (2, True, []), done.stderr
