from __future__ import annotations

import json
from pathlib import Path

import pytest
from mined_store import Convmine

ROWS = [{"id": number, "steps": ["greet", "ask", "offer"], "result": "won"} for number in range(19)]


def file_of(path: Path, *lines: object) -> str:
    file = path / "dialogues.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return str(file)


def test_build_answers_with_nodes_and_edges(convmine: Convmine, tmp_path: Path) -> None:
    file = file_of(tmp_path, *ROWS, {"id": "x", "steps": ["ask", "greet"]})
    done = convmine("flow", "build", "--input", file, "--json")
    assert done.code == 0
    found = json.loads(done.stdout)
    edges = {(one["from"], one["to"]): one for one in found["edges"]}
    assert {"(start)", "greet", "ask", "offer", "(end)"} == {one["label"] for one in found["nodes"]}
    assert (edges["greet", "ask"]["count"], edges["greet", "ask"]["probability"]) == (19, 0.95)
    kept = {ends for ends, one in edges.items() if one["kept"]}
    assert kept == {("(start)", "greet"), ("greet", "ask"), ("ask", "offer"), ("offer", "(end)")}
    shown = convmine("flow", "build", "--input", file)
    assert "20 conversations; 4 of 7 edges kept" in shown.stdout
    assert "100% of 19" in shown.stdout
    assert "ask" in convmine("flow", "build", "--input", file, "--all").stdout


def test_a_bad_row_is_named_in_one_line(convmine: Convmine, tmp_path: Path) -> None:
    file = file_of(tmp_path, {"id": 1, "steps": []}, {"id": 2, "steps": [None]})
    done = convmine("flow", "build", "--input", file)
    assert (done.code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"convmine: {file}: line 2: step 1 is no label")
    assert done.stderr.count("\n") == 1
    assert json.loads(convmine("flow", "build", "--input", file, "--json").stderr)["error"]["message"].endswith("label")
    assert convmine("flow", "build").code == 2
    assert convmine("flow", "build", "--input", "nowhere.jsonl").code == 2


@pytest.mark.parametrize(
    ("form", "begins"), [("mermaid", "flowchart LR"), ("dot", "digraph"), ("svg", "<svg"), ("html", "<!doctype html>")]
)
def test_show_draws_a_scenario_in_every_format(analyst: Convmine, tmp_path: Path, form: str, begins: str) -> None:
    done = analyst("flow", "show", "--scenario", "telecom", "--format", form)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith(begins)
    assert "price_concern" in done.stdout
    file = tmp_path / f"flow.{form}"
    told = analyst("flow", "show", "--scenario", "telecom", "--out", str(file))
    assert told.stderr == f"drawn into {file}\n"
    assert file.read_text() == done.stdout, "the file's name says the format"


def test_show_answers_in_json_and_by_conditions(analyst: Convmine) -> None:
    found = json.loads(analyst("flow", "show", "--scenario", "telecom", "--json").stdout)
    assert (found["calls"], found["read"], found["outcomes"]) == (2, 2, "inferred")
    assert {"from", "to", "count", "probability", "kept", "median_ms"} <= set(found["edges"][0])
    one = analyst("flow", "show", "--scenario", "telecom", "--call", "call-two", "--outcomes", "observed", "--json")
    assert json.loads(one.stdout)["read"] == 1


def test_show_says_what_is_missing(analyst: Convmine, tmp_path: Path) -> None:
    missing = analyst("flow", "show")
    assert missing.code == 2
    assert "--scenario is missing" in missing.stderr
    unknown = analyst("flow", "show", "--scenario", "telecon")
    assert unknown.code == 1
    assert "telecom" in unknown.stderr
    none = analyst("flow", "show", "--scenario", "telecom", "--where", "lane=live")
    assert (none.code, none.stdout) == (0, "")
    assert "lane=live left nothing" in none.stderr
    refused = analyst("flow", "show", "--scenario", "telecom", "--out", str(tmp_path / "no" / "where.svg"))
    assert refused.code == 1
    assert "cannot be written" in refused.stderr
