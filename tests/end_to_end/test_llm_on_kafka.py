"""Conversations through a worker that asks a language model, real Kafka around it; and a budget that ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from processes import CONVMINE, convmine, convmine_json, environment, is_idle, running, wait_until

from pipeline import samples
from pipeline.stages import stages_of
from schemas.wire import Lane

MINES = next(stage for stage in stages_of(Lane.BATCH) if stage.name == "extract")
CAP = 20_000
"""Tokens of a day: the ten conversations take half as much again."""


@dataclass(frozen=True)
class Desk:
    """One extract worker with a made-up language model, and what it has mined."""

    env: dict[str, str]
    insights: Sequence[dict[str, Any]]

    def by(self, extractor: str) -> list[dict[str, Any]]:
        return [it for it in self.insights if it["provenance"]["extractor"] == extractor]


def conversations(folder: Path) -> list[Path]:
    """The sample calls as they were written, and the Chinese chats."""
    made = []
    for script in sorted((samples.folder() / "scripts").glob("*.yaml")):
        call = yaml.safe_load(script.read_text())
        messages = [
            {"role": turn["role"], "at_ms": number * 4_000, "text": turn["text"]}
            for number, turn in enumerate(call["turns"])
        ]
        facts = {name: call[name] for name in ("call_id", "language", "scenario", "agent", "started_at")}
        made.append(folder / f"{call['call_id']}.json")
        made[-1].write_text(json.dumps({**facts, "messages": messages}))
    return [*made, *sorted((samples.folder() / "chats").glob("*.json"))]


def mined(folder: Path, kafka_servers: str, base_url: str, **changes: str) -> Desk:
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": f"{folder.name}.",
            "CONVMINE_KAFKA_PARTITIONS": "1",
            "CONVMINE_RUNTIME_IN_FLIGHT": "1",
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "CONVMINE_EXTRACT_EXTRACTOR": "llm",
            "CONVMINE_LLM_BASE_URL": base_url,
            "CONVMINE_LLM_CACHE_PATH": str(folder / "answers.sqlite"),
            "CONVMINE_BUDGET_LEDGER_PATH": str(folder / "usage.sqlite"),
            "CONVMINE_BUDGET_PRICES": "gpt-4.1-mini=0.4:1.6",
            **changes,
        }
    )
    files = conversations(folder)
    convmine("topics", "apply", env=env)
    with ExitStack() as stack:
        stack.enter_context(running([*CONVMINE, "worker", "extract"], env, folder / "extract.log"))
        for file in files:
            convmine("publish", "transcript", str(file), env=env)
        wait_until(lambda: is_idle(env, MINES), seconds=240, logs=folder)
    return Desk(env, insights(env))


def insights(env: dict[str, str]) -> list[dict[str, Any]]:
    lines = convmine("topics", "tail", "calls.intents.batch", "--from-start", "--no-follow", "--json", env=env).stdout
    return [json.loads(line)["value"] for line in lines.splitlines()]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str, base_url: str) -> Desk:
    return mined(tmp_path_factory.mktemp("llm"), kafka_servers, base_url)


@pytest.fixture(scope="module")
def poor_desk(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str, base_url: str) -> Desk:
    return mined(tmp_path_factory.mktemp("poor"), kafka_servers, base_url, CONVMINE_BUDGET_DAY_TOKENS=str(CAP))


@pytest.mark.timeout(400)
def test_english_and_chinese_are_mined_by_the_model_and_every_quote_was_said(desk: Desk) -> None:
    assert len(desk.by("llm")) == len(desk.insights) == 10
    assert {it["language"] for it in desk.insights} == {"en", "zh"}
    for insight in desk.insights:
        assert insight["intents"], insight["call_id"]
        assert insight["summary"]
        texts = {turn["segment_id"]: turn["text"] for turn in said(desk.env, insight["call_id"])}
        for found in (*insight["intents"], *insight["entities"]):
            for evidence in found["evidence"]:
                assert evidence["quote"] in texts[evidence["segment_id"]]


def said(env: dict[str, str], call_id: str) -> list[dict[str, Any]]:
    """The segments of a transcript as it went in."""
    lines = convmine("topics", "tail", "calls.transcripts.batch", "--from-start", "--no-follow", "--json", env=env)
    values = [json.loads(line)["value"] for line in lines.stdout.splitlines()]
    (transcript,) = (value for value in values if value["call_id"] == call_id)
    segments: list[dict[str, Any]] = transcript["segments"]
    return segments


def test_what_it_cost_is_in_the_insights_and_adds_up(desk: Desk) -> None:
    (model,) = convmine_json("cost", "--by", "model", env=desk.env)["items"]
    assert model["usd"] == pytest.approx(sum(it["provenance"]["cost_usd"] for it in desk.insights), rel=1e-6)
    assert model["input_tokens"] == sum(it["provenance"]["input_tokens"] for it in desk.insights)


@pytest.mark.timeout(400)
def test_when_the_budget_has_run_out_the_rest_is_lexical_and_says_so(poor_desk: Desk) -> None:
    paid, free = poor_desk.by("llm"), poor_desk.by("lexical")
    assert paid
    assert free
    assert [*paid, *free] == poor_desk.insights, "the first ones, and then no more"
    assert all("CONVMINE_BUDGET_DAY_TOKENS" in it["provenance"]["fallback_because"] for it in free)
    assert all("fallback_because" not in it["provenance"] for it in paid)
    (day,) = convmine_json("cost", "--by", "day", env=poor_desk.env)["items"]
    assert 0 < day["input_tokens"] + day["output_tokens"] <= CAP
