"""What an insight says that it cost, and what is written down of it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from llm_server import Say, llm_server
from talks import conversation

from pipeline import figures
from pipeline.extract.registry import build_extractor
from pipeline.llm.ledger_sqlite import SqliteLedger
from pipeline.scenarios.load import shipped
from pipeline.settings import BudgetSettings, ExtractSettings, LlmSettings, Settings
from pipeline.testing import InMemoryMeter
from schemas.insight import Provenance

VALID = Say(json.dumps({"intents": [], "entities": [], "topics": [], "outcome": None, "summary": "A talk."}))


async def mined(
    folder: Path, *script: Say, prices: tuple[str, ...], meter: InMemoryMeter | None = None, starts: int = 1
) -> tuple[Provenance, int]:
    """How an insight was made by a server with this script, and how many requests that took.

    With more ``starts`` as many workers, one after the other, mine the same conversation; the last one counts.
    """
    with llm_server(*script) as server:
        settings = Settings(
            extract=ExtractSettings(extractor="llm", reasks=1),
            llm=LlmSettings(base_url=server.base_url, model="m1", cache_path=folder / "answers.sqlite"),
            budget=BudgetSettings(prices=prices, ledger_path=folder / "usage.sqlite"),
        )
        for _ in range(starts):
            extractor = build_extractor(settings, shipped, meter)
            findings = await extractor.extract(conversation("c: i want to cancel", "a: all right"))
            await extractor.close()
    return findings.provenance, len(server.requests)


async def test_an_insight_says_what_all_of_its_answers_cost(tmp_path: Path) -> None:
    made, requests = await mined(tmp_path, Say("no JSON"), VALID, prices=("m1=10:100",))
    assert (made.reasks, requests) == (1, 2)
    assert made.cost_usd == pytest.approx(2 * (100 * 10 + 20 * 100) / 1e6)


async def test_without_a_price_the_cost_is_not_known(tmp_path: Path) -> None:
    made, _ = await mined(tmp_path, VALID, prices=("m2=10:100",))
    assert made.cost_usd is None


async def test_an_answer_that_was_kept_is_paid_for_once_and_says_the_same_cost(tmp_path: Path) -> None:
    again, requests = await mined(tmp_path, VALID, prices=("m1=10:100",), starts=2)
    assert requests == 1
    assert again.cost_usd == pytest.approx(3e-3)
    ledger = SqliteLedger(tmp_path / "usage.sqlite", days=400)
    ((purpose, usage),) = (await ledger.read("", date.min)).items()
    await ledger.close()
    assert (purpose.day, purpose.stage, purpose.scenario) == (datetime.now(UTC).date(), "extract", "telecom")
    assert (purpose.model, purpose.prompt_version) == ("m1", again.prompt_version)
    assert usage.requests == 1
    assert usage.usd == pytest.approx(3e-3)


async def test_what_the_model_took_is_measured_by_the_extractor_of_the_settings(tmp_path: Path) -> None:
    meter = InMemoryMeter()
    made, _ = await mined(tmp_path, Say("no JSON"), VALID, prices=("m1=10:100",), meter=meter)
    labels = {"scenario": "telecom", "prompt_version": made.prompt_version or ""}
    assert meter.counted(figures.REASKS, **labels) == 1
    assert meter.counted(figures.COST, gen_ai_request_model="m1", stage="extract", **labels) == pytest.approx(6e-3)
