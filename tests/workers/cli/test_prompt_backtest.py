"""``convmine prompt backtest`` as a person runs it, against a model that answers by rule."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mined_store import Convmine

from pipeline.scenarios.load import shipped
from workers.fake_llm import Failure, Hung, Served, Step, Valid, serve

OPTIONS = ("--scenario", "telecom", "--language", "en")
BOTH = ("prompt", "backtest", "extract.v1", "extract.v2", *OPTIONS)
SAID = (
    ("customer", "i want to cancel my contract because it is too expensive", "cancel_contract"),
    ("agent", "i have to tell you that we record our calls", "recording_notice"),
    ("customer", "please call me back tomorrow", "request_callback"),
)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, convmine: Convmine) -> Iterator[Served]:
    """A model's server that is set, with all that is kept in the test's folder."""
    del convmine  # it empties the environment first
    with _serving(monkeypatch, tmp_path) as server:
        yield server


@contextmanager
def _serving(monkeypatch: pytest.MonkeyPatch, folder: Path, *steps: Step) -> Iterator[Served]:
    with serve(*steps) as server:
        monkeypatch.setenv("CONVMINE_LLM_BASE_URL", server.base_url)
        for group in ("LLM_CACHE", "WORKBENCH", "BUDGET_LEDGER"):
            monkeypatch.setenv(f"CONVMINE_{group}_PATH", str(folder / f"{group.lower()}.sqlite"))
        monkeypatch.setenv("CONVMINE_RUNTIME_BACKOFF_S", "0.01")
        yield server


def calls(folder: Path, count: int = 3, **rest: Any) -> str:
    """A file of labelled calls, no two with the same words."""
    rows = [
        {
            "call_id": f"call-{number}",
            "turns": [{"role": role, "text": f"{text} {number}", "intents": [name]} for role, text, name in SAID],
            **rest,
        }
        for number in range(count)
    ]
    path = folder / "labelled.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return str(path)


def worse(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenario in a folder of its own, with a version of the prompt that offers the last intent alone."""
    edition = shipped("telecom").edition("en")
    text = next(prompt.text for prompt in edition.prompts if prompt.label == "extract.v2")
    made = text.replace("version: 2", "version: 3").replace(
        "{% for intent in intents -%}", "{% for intent in intents[:1] -%}"
    )
    assert made.count("intents[:1]") == 1
    source = Path(__file__).parents[3] / "pipeline" / "scenarios" / "telecom"
    for path in (path for path in source.rglob("*") if path.is_file()):
        target = folder / "scenarios" / "telecom" / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    prompts = folder / "scenarios" / "telecom" / "en" / "prompts"
    prompts.mkdir(parents=True, exist_ok=True)
    for version, body in ((2, text), (3, made)):
        (prompts / f"extract.v{version}.md").write_text(body, encoding="utf-8")
    monkeypatch.setenv("CONVMINE_SCENARIOS_PATH", str(folder / "scenarios"))


def test_a_worse_version_shows_as_worse(
    convmine: Convmine, model: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse(tmp_path, monkeypatch)
    report = tmp_path / "report.html"
    arguments = ("prompt", "backtest", "extract.v2", "extract.v3", *OPTIONS, "--on", calls(tmp_path))
    done = convmine(*arguments, "--html", str(report), "--json")
    assert done.code == 0, done.stderr
    document = json.loads(done.stdout)
    scores = {side: {one["field"]: one for one in document[side]["fields"]} for side in "ab"}
    assert scores["a"]["intents"]["f1"] > scores["b"]["intents"]["f1"]
    (change,) = document["changes"]
    assert (change["field"], change["high"] < 0) == ("intents", True)
    assert document["differing"] == ["call-0", "call-1", "call-2"]
    assert (document["asked"], len(model.requests)) == (6, 6)
    assert document["a"]["input_tokens"] > 0
    assert document["a"]["latency_p50_ms"] > 0
    assert "call-2" in report.read_text(encoding="utf-8")


def test_a_second_run_asks_nobody_and_prints_the_same_tables(convmine: Convmine, model: Served, tmp_path: Path) -> None:
    path = calls(tmp_path)
    first, second = (convmine(*BOTH, "--on", path) for _ in range(2))
    assert (first.code, second.code) == (0, 0), first.stderr
    assert first.stdout.replace("now: 6, kept from before: 0", "now: 0, kept from before: 6") == second.stdout
    assert "Not labelled, and so not scored: entities, topics, outcome, objections, follow-ups." in second.stdout
    assert len(model.requests) == 6


def test_a_run_that_ends_half_way_goes_on_where_it_stopped_and_pays_nothing_twice(
    convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = calls(tmp_path, 5)
    monkeypatch.setenv("CONVMINE_LLM_CACHE", "off")
    with _serving(monkeypatch, tmp_path, Valid(times=4), Failure(status=401), Valid()) as server:
        stopped = convmine(*BOTH, "--on", path, "--at-once", "1")
        assert stopped.code == 1
        assert "4 of 10 extractions are kept, and the same command goes on from there" in stopped.stderr
        assert stopped.stderr.count("\n") == 1
        assert convmine(*BOTH, "--on", path).code == 0
        assert server.stats.answered == {"valid": 10, "error": 1}


def test_a_killed_run_has_paid_for_what_it_has_kept(
    convmine: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = calls(tmp_path, 5)
    monkeypatch.setenv("CONVMINE_LLM_CACHE", "off")
    with _serving(monkeypatch, tmp_path, Valid(times=4), Hung(), Valid()) as server:
        code = "from workers.cli import main; main()"
        killed = subprocess.Popen([sys.executable, "-c", code, *BOTH, "--on", path, "--at-once", "1"])
        try:
            wait_until(lambda: len(server.requests) == 5)
        finally:
            killed.kill()
            killed.wait()
        assert convmine(*BOTH, "--on", path).code == 0
        assert server.stats.answered == {"valid": 10, "hung": 1}


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_calls_without_a_label_are_compared_with_each_other_only(
    convmine: Convmine, model: Served, tmp_path: Path
) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"call_id": "c", "turns": [{"role": "customer", "text": "i want to cancel"}]}', encoding="utf-8")
    done = convmine(*BOTH, "--on", str(path))
    assert done.code == 0, done.stderr
    assert "Nothing is labelled in these calls, so nothing says which version is better" in done.stdout
    assert len(model.requests) == 2


def test_stored_calls_are_compared(analyst: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _serving(monkeypatch, tmp_path) as server:
        done = analyst(*BOTH, "--on", "stored", "--json")
        assert done.code == 0, done.stderr
        document = json.loads(done.stdout)
        assert (document["on"], document["a"]["calls"], len(server.requests)) == ("stored", 2, 4)
        assert analyst(*BOTH, "--on", "stored", "--limit", "1", "--json").code == 0
        nothing = analyst(*BOTH, "--on", "stored", "--since", "2030-01-01")
        assert "no call of scenario 'telecom' in 'en' is stored that began since 2030" in nothing.stderr
        assert len(server.requests) == 4


def test_what_is_kept_has_not_been_forgotten_after_a_back_test(
    convmine: Convmine, model: Served, tmp_path: Path
) -> None:
    import asyncio

    from pipeline.workbench.place_sqlite import SqliteWorkbench

    assert convmine(*BOTH, "--on", calls(tmp_path)).code == 0

    async def kept() -> list[str]:
        workbench = SqliteWorkbench(tmp_path / "workbench.sqlite")
        found = await workbench.backtests("acme", "telecom", "en", "extract")
        await workbench.close()
        return [f"{one.a.label} {one.b.label} {one.on}" for one in found]

    assert asyncio.run(kept()) == ["extract.v1 extract.v2 labelled.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("extract.v1", "extract.v1", "--on", "stored"), 2, "extract.v1 cannot be compared with itself"),
        (("extract.v1", "extract.v9", "--on", "stored"), 1, "no prompt 'extract.v9'"),
        (("summary.v1", "extract.v1", "--on", "stored"), 1, "summary.v1 cannot be back-tested"),
        (("extract.v1", "extract.v2", "--on", "x", "--since", "7d"), 2, "--since is for stored calls"),
        (("extract.v1", "extract.v2", "--on", "none.jsonl"), 1, "none.jsonl cannot be read: No such file"),
        (("extract.v1", "extract.v2", "--on", "x", "--html", "no/such/r.html"), 2, "--html: there is no folder"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(
    convmine: Convmine, model: Served, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = convmine("prompt", "backtest", *OPTIONS, *arguments)
    assert done.code == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not model.requests


def test_a_label_file_with_an_unknown_intent_names_its_line_and_the_nearest(
    convmine: Convmine, model: Served, tmp_path: Path
) -> None:
    path = Path(calls(tmp_path))
    path.write_text(path.read_text(encoding="utf-8").replace("cancel_contract", "cancel_contrat"), encoding="utf-8")
    done = convmine(*BOTH, "--on", str(path))
    assert done.code == 1
    assert "line 1: intents: 'cancel_contrat' is not in the taxonomy; nearest: cancel_contract" in done.stderr
    assert not model.requests


def test_an_empty_file_says_that_it_holds_no_call(convmine: Convmine, model: Served, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.touch()
    done = convmine(*BOTH, "--on", str(path))
    assert (done.code, "holds no call" in done.stderr, model.requests) == (1, True, [])
