from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from mined_store import Convmine

import workers.running
from pipeline.settings import Settings
from schemas.reference import ConfigRunning, RefusedConfig, RunningPrompt

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_every_version_is_listed_with_what_it_is(convmine: Convmine, own_prompts: Path) -> None:
    found = json.loads(convmine("prompt", "list", "--scenario", "telecom", "--language", "en", "--json").stdout)
    own = next(one for one in found["items"] if one["version"] == 7)
    assert own == {
        "scenario": "telecom",
        "language": "en",
        "prompt": "extract",
        "version": 7,
        "digest": sha256((own_prompts / "extract.v7.md").read_bytes()).hexdigest(),
        "answer": "findings",
        "model": "gpt-4.1-mini",
        "parameters": ["tone", "most", "turns"],
    }
    table = convmine("prompt", "list", "--scenario", "telecom").stdout
    assert own["digest"][:12] in table
    assert own["digest"][:13] not in table
    assert "zh" in table


def test_a_scenario_that_is_not_there_is_one_line_with_those_that_are(convmine: Convmine) -> None:
    done = convmine("prompt", "list", "--scenario", "telekom")
    assert (done.code, done.stdout) == (1, "")
    assert "telekom" in done.stderr
    assert "telecom" in done.stderr


def running(*workers_: ConfigRunning) -> object:
    async def told(settings: Settings) -> tuple[ConfigRunning, ...]:
        return workers_

    return told


def test_what_workers_run_and_what_they_refused_is_told(convmine: Convmine, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = ConfigRunning(
        worker="host-1",
        stages=("extract",),
        started_at=NOW,
        seen_at=NOW,
        scenarios={"telecom": 3},
        prompts=(
            RunningPrompt(scenario="telecom", language="en", prompt="extract", prompt_version=2, challenger_version=3),
            RunningPrompt(scenario="telecom", language="zh", prompt="extract", prompt_version=1),
        ),
        refused=(RefusedConfig(what="telecom:en:extract", reason="it is broken"),),
    )
    monkeypatch.setattr(workers.running, "running_workers", running(worker))
    found = json.loads(convmine("prompt", "list", "--running", "--language", "en", "--json").stdout)
    assert [(one["worker"], one["version"], one["challenger"]) for one in found["items"]] == [("host-1", 2, 3)]
    table = convmine("prompt", "list", "--running").stdout
    assert "telecom v3" in table
    assert "it is broken" in table


def test_no_worker_is_told_and_no_empty_table(convmine: Convmine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers.running, "running_workers", running())
    done = convmine("prompt", "list", "--running")
    assert (done.code, done.stdout) == (0, "")
    assert "no worker" in done.stderr
