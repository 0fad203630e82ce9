"""The settings of suggestions, from their group to what a worker publishes; the language model answers over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from live_events import payloads, run
from pydantic import SecretStr
from suggest_events import events, heard

from pipeline.scenarios.opened import load_library
from pipeline.settings import BudgetSettings, LlmSettings, Settings, StoreSettings, SuggestSettings
from pipeline.stages import stage_named
from schemas.flow import FlowGraph, FlowState
from schemas.suggestion import SuggestionCreated
from schemas.wire import Lane
from workers.assembly import Assembly
from workers.fake_llm.script import Text
from workers.fake_llm.serving import serve

SENT = [heard(1 + 20 * n, name) for n, name in enumerate(("ask_price", "ask_plan_details", "upgrade_interest"))]
GOOD = "They find it too expensive: acknowledge it, ask what they use, then name the smart plan for thirty dollars."
WRONG = "They find it too expensive: acknowledge it, ask what they use, then name the smart plan for ten dollars."


async def no_graphs(partition: int) -> Mapping[str, FlowGraph]:
    del partition
    return {}


async def suggested(
    folder: Path, suggest: SuggestSettings, *sent: FlowState, base_url: str | None = None
) -> list[SuggestionCreated]:
    settings = Settings(
        suggest=suggest,
        store=StoreSettings(path=folder / "store"),
        llm=LlmSettings(base_url=base_url, api_key=SecretStr("k"), cache_path=folder / "answers.sqlite"),
        budget=BudgetSettings(ledger="off"),
    )
    stage = stage_named("suggest", Lane.LIVE)
    assert stage is not None
    async with Assembly(settings, no_graphs, load_library(settings)) as assembly:
        handler = await assembly.handler(stage)
        outputs, _ = await run(handler, events(*sent))  # type: ignore[arg-type]  # the live lane remembers
    return [one for one in payloads(outputs) if isinstance(one, SuggestionCreated)]


async def test_how_many_and_how_often_is_set(tmp_path: Path) -> None:
    assert len(await suggested(tmp_path / "a", SuggestSettings(explore=0), *SENT)) == 3
    assert len(await suggested(tmp_path / "b", SuggestSettings(explore=0, most=1), *SENT)) == 1
    assert len(await suggested(tmp_path / "c", SuggestSettings(explore=0, apart_s=150), *SENT)) == 2


async def test_words_of_a_model_are_checked_before_they_go_out(tmp_path: Path) -> None:
    answers = [Text(text=json.dumps({"candidate": "c1", "text": text})) for text in (GOOD, WRONG)]
    with serve(*answers) as server:
        phrased = SuggestSettings(phrasing="llm")
        (good,) = await suggested(tmp_path / "a", phrased, heard(1, "price_objection"), base_url=server.base_url)
        (wrong,) = await suggested(tmp_path / "b", phrased, heard(1, "price_objection"), base_url=server.base_url)
    assert good.text == GOOD
    assert good.phrased_by
    assert "ten dollars" not in wrong.text
    assert wrong.phrased_by is None
    assert [body["response_format"]["json_schema"]["name"] for body in server.requests] == ["suggest_v1", "suggest_v1"]


async def test_a_model_that_is_too_slow_is_not_waited_for(tmp_path: Path) -> None:
    with serve(delay_s=5) as server:
        quick = SuggestSettings(phrasing="llm", phrasing_timeout_s=0.2)
        (found,) = await suggested(tmp_path, quick, heard(1, "price_objection"), base_url=server.base_url)
    assert found.phrased_by is None


async def test_without_the_setting_no_model_is_asked(tmp_path: Path) -> None:
    with serve() as server:
        assert await suggested(tmp_path, SuggestSettings(), heard(1, "price_objection"), base_url=server.base_url)
        assert server.requests == []
