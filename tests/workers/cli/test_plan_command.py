from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from click.testing import CliRunner, Result

from pipeline.asr import registry
from pipeline.errors import Config, ConvmineError
from pipeline.settings import load
from pipeline.sizing.costs import read_costs
from pipeline.stages import stages_of
from schemas.wire import Lane
from workers.cli import cli
from workers.cli.bench import for_bench
from workers.costs_measured import document, measure

ROOT = Path(__file__).resolve().parents[3]


def asked(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["plan", *arguments])


def test_the_pages_show_what_the_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "sizing-pages"), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_plan_is_a_page_and_a_document() -> None:
    options = ("--calls-per-day", "20000", "--peak", "2", "--llm", "gpt-4-1-mini")
    page = asked(*options)
    assert page.exit_code == 0
    assert "breaks first" in page.output
    assert "assumed: OpenAI" in page.output
    found = json.loads(asked(*options, "--json").output)
    assert {one["stage"] for one in found["stages"]} >= {"asr.live", "index.batch"}
    assert found["fits"] is True
    assert found["usd_per_day"]["LLM tokens"] > 0
    assert found["breaks_first"]["times"] > 1


def test_no_calls_are_no_fault() -> None:
    done = asked("--calls-per-day", "0")
    assert done.exit_code == 0
    assert "nowhere" in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--asr", "none-such"), "known are faster-whisper-cpu"),
        (("--llm", "none-such"), "known are gpt-4-1-mini, lexical"),
        (("--llm-requests-per-minute", "5"), "go with --llm"),
        (("--live-share", "2"), "0<=x<=1"),
    ],
)
def test_what_cannot_be_planned_is_refused(options: tuple[str, ...], said: str) -> None:
    done = asked("--calls-per-day", "10", *options)
    assert done.exit_code == 2
    assert said in done.output


def test_limits_of_the_account_may_be_given() -> None:
    options = ("--calls-per-day", "100000", "--llm", "gpt-4-1-mini", "--llm-requests-per-minute", "50", "--json")
    found = json.loads(asked(*options).output)
    assert found["bounds"][0]["what"] == "LLM requests"
    assert found["fits"] is False


def test_a_peak_that_no_curve_has_is_refused() -> None:
    done = asked("--calls-per-day", "10", "--peak", "30")
    assert isinstance(done.exception, Config)


@pytest.mark.parametrize("lane", list(Lane))
def test_what_is_measured_is_what_the_plan_reads(lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVMINE_STORE_EMBEDDER", "hashing")
    settings = for_bench(load(), tmp_path)
    instant = registry.Entry("benchmarks.live_engine", "numpy", None)
    with patch.object(registry, "ENGINES", {"pocketsphinx": instant}):
        found = asyncio.run(measure(settings, lane, 1))
    assert {f"{stage.name}.{stage.lane}" for stage in stages_of(lane)} == set(found.events)
    assert found.events[f"extract.{lane}"] > 0
    assert found.points > 10
    path = tmp_path / "costs.json"
    path.write_text(json.dumps(document({lane: found}, "pocketsphinx")))
    costs = read_costs(path)
    assert costs.stages[f"extract.{lane}"] != read_costs().stages[f"extract.{lane}"]
    done = asked("--calls-per-day", "1000", "--costs", str(path))
    assert done.exit_code == 0
    assert "convmine bench on" in done.output


def test_calls_that_cannot_be_mined_are_not_measured(tmp_path: Path) -> None:
    settings = for_bench(load(), tmp_path)
    nowhere = settings.model_copy(update={"audio": settings.audio.model_copy(update={"allowed_roots": ()})})
    with pytest.raises(ConvmineError, match="not measured"):
        asyncio.run(measure(nowhere, Lane.BATCH, 1))
