from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine

from workers.fake_llm.script import Failure, InvalidJson, Refusal, Step, Valid
from workers.fake_llm.serving import Served, serve


@pytest.fixture
def server(convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A model's server in rule mode, which ``convmine`` asks."""
    with serve() as running:
        ask(running, tmp_path, monkeypatch)
        yield running


def ask(server: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_LLM_BASE_URL", server.base_url)
    monkeypatch.setenv("CONVMINE_LLM_CACHE_PATH", str(tmp_path / "answers.sqlite"))
    monkeypatch.setenv("CONVMINE_BUDGET_LEDGER_PATH", str(tmp_path / "usage.sqlite"))
    monkeypatch.setenv("CONVMINE_BUDGET_PRICES", "gpt-a=1:2")


def cells(table: str, field: str) -> list[str]:
    """The cells of the row of this name."""
    (row,) = [line for line in table.splitlines() if line.startswith(f"│{field} ")]
    return [cell.strip() for cell in row.strip("│").split("│")][2:]


def test_two_models_stand_side_by_side(convmine: Convmine, server: Served) -> None:
    done = convmine("prompt", "try", "extract.v2", "extract.v1", "--model", "gpt-a", "--model", "gpt-b")
    assert done.code == 0
    heading = next(line for line in done.stdout.splitlines() if "field" in line)
    assert [cell.strip() for cell in heading.strip("┃").split("┃")][2:] == [
        *("extract.v2 gpt-a", "extract.v2 gpt-b", "extract.v1 gpt-a", "extract.v1 gpt-b")
    ]
    assert sorted((asked["model"], len(asked["messages"])) for asked in server.requests) == [
        *(("gpt-a", 2), ("gpt-a", 2), ("gpt-b", 2), ("gpt-b", 2))
    ]
    assert all(cell.startswith("agent_opening") for cell in cells(done.stdout, "intents"))
    assert cells(done.stdout, "valid") == ["yes"] * 4
    usd = cells(done.stdout, "USD")
    assert float(usd[0]) > float(usd[2]) > 0
    assert (usd[1], usd[3]) == ("not known", "not known")


def test_a_second_run_asks_nobody(convmine: Convmine, server: Served) -> None:
    first = json.loads(convmine("prompt", "try", "extract.v2", "--model", "gpt-a", "--json").stdout)["results"][0]
    again = json.loads(convmine("prompt", "try", "extract.v2", "--model", "gpt-a", "--json").stdout)["results"][0]
    assert len(server.requests) == 1
    assert first["seconds"] > 0
    assert again["seconds"] is None
    assert again["insight"] == first["insight"]
    assert again["usd"] == first["usd"] > 0
    assert cells(convmine("prompt", "try", "extract.v2", "--model", "gpt-a").stdout, "seconds") == ["kept"]


def test_a_try_is_accounted_for(convmine: Convmine, server: Served) -> None:
    convmine("prompt", "try", "extract.v2", "--model", "gpt-a")
    assert "extract.v2" in convmine("cost", "--by", "prompt").stdout


def test_every_call_of_a_batch_is_mined_with_its_own_parameters(
    convmine: Convmine, server: Served, own_prompts: Path, tmp_path: Path
) -> None:
    batch, out = tmp_path / "batch.jsonl", tmp_path / "results.jsonl"
    convmine("prompt", "matrix", "extract.v7", "--set", "tone=formal,warm", "--out", str(batch))
    done = convmine("prompt", "try", "extract.v7", "extract.v8", "--on", str(batch), "--out", str(out), "--json")
    assert [(one["prompt"], one["valid"]) for one in json.loads(done.stdout)["results"]] == [
        ("extract.v7", 2),
        ("extract.v8", 2),
    ]
    inputs = [json.loads(line)["id"] for line in batch.read_text().splitlines()]
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["prompt"], row["parameters"]["tone"]) for row in rows] == [
        (inputs[0], "extract.v7", "formal"),
        (inputs[0], "extract.v8", "formal"),
        (inputs[1], "extract.v7", "warm"),
        (inputs[1], "extract.v8", "warm"),
    ]
    systems = {asked["messages"][0]["content"] for asked in server.requests}
    assert systems == {f"Label at most {n} things, in a {tone} tone." for n in (7, 8) for tone in ("formal", "warm")}
    assert rows[0]["insight"]["provenance"]["prompt_version"] == "extract.v7"
    assert rows[0]["insight"]["intents"]
    words = {one["segment_id"]: one["text"] for one in rows[0]["transcript"]["segments"]}
    for said in (intent["evidence"][0] for intent in rows[0]["insight"]["intents"]):
        assert said["quote"] in words[said["segment_id"]]


def test_a_batch_that_is_cut_short_goes_on_and_pays_nothing_twice(
    convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch, out = tmp_path / "batch.jsonl", tmp_path / "results.jsonl"
    dialogues = [f"turns=customer: number {number} is too expensive" for number in range(5)]
    convmine("prompt", "matrix", "extract.v2", *(f"--set={one}" for one in dialogues), "--out", str(batch))
    monkeypatch.setenv("CONVMINE_RUNTIME_IN_FLIGHT", "1")
    with serve(Valid(), Valid(), Failure(status=503)) as server:
        ask(server, tmp_path, monkeypatch)
        done = convmine("prompt", "try", "extract.v2", "--on", str(batch), "--out", str(out))
        port = int(server.base_url.split(":")[2].split("/")[0])
        assert (done.code, len(server.requests), len(out.read_text().splitlines())) == (1, 3, 2)
        assert "run it again and it goes on" in done.stderr
    with serve(port=port) as server:
        assert convmine("prompt", "try", "extract.v2", "--on", str(batch), "--out", str(out)).code == 0
        assert (len(server.requests), len(out.read_text().splitlines())) == (3, 5)


@pytest.mark.parametrize(
    ("step", "error"), [(Refusal(), "refuses"), (InvalidJson(), "the model gpt-x gave no valid answer in 2 tries")]
)
def test_an_answer_that_does_not_come_says_why_and_what_it_took(
    convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Step, error: str
) -> None:
    with serve(step) as server:
        ask(server, tmp_path, monkeypatch)
        done = convmine("prompt", "try", "extract.v2", "--model", "gpt-x", "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert (done.code, result["valid"], result["insight"]) == (0, False, None)
    assert error in result["error"]
    assert result["input_tokens"] > 0


def test_of_a_short_call_it_is_said_that_the_summary_prompt_was_not_sent(convmine: Convmine, server: Served) -> None:
    assert "the prompt summary was not sent" in convmine("prompt", "try", "summary.v1").stderr
    assert convmine("prompt", "try", "extract.v2").stderr == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("extract.v2", "--on", "{batch}"), "--on with --out"),
        (("extract.v2", "--on", "{batch}", "--out", "x", "--call", "y"), "--on with --out"),
        (("extract.v2", "--on", "{batch}", "--out", "{out}"), "line 1: turns: Field required"),
        (("extract.v2", "--on", "{empty}", "--out", "{out}"), "holds no call"),
        (("extract.v9",), "no prompt 'extract.v9'"),
    ],
)
def test_what_cannot_be_tried_is_one_line(
    convmine: Convmine, server: Served, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    (tmp_path / "batch.jsonl").write_text('{"call_id": "c"}\n')
    (tmp_path / "empty.jsonl").touch()
    given = [
        one.format(**{name: tmp_path / f"{name}.jsonl" for name in ("batch", "empty", "out")}) for one in arguments
    ]
    done = convmine("prompt", "try", *given)
    assert done.code
    assert (done.stdout, done.stderr.count("\n"), server.requests) == ("", 1, [])
    assert complaint in done.stderr


@pytest.mark.parametrize(
    ("status", "complaint"), [(404, "has no model 'gpt-x'"), (503, "what was answered is kept: run it again")]
)
def test_a_server_that_does_not_answer_is_one_line_with_what_to_do(
    convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, complaint: str
) -> None:
    with serve(Failure(status=status)) as server:
        ask(server, tmp_path, monkeypatch)
        done = convmine("prompt", "try", "extract.v2", "--model", "gpt-x")
    assert (done.code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert complaint in done.stderr
