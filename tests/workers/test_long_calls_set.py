"""The settings of long calls and of the live lane's pace, as they reach the server of a language model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from joined_calls import joined_call
from live_events import Scripted, inbound, run, said

from pipeline.extract import registry
from pipeline.extract.tokens import estimated_tokens
from pipeline.scenarios.opened import load_library
from pipeline.settings import BudgetSettings, ExtractSettings, LlmSettings, Settings
from pipeline.stages import stage_named
from schemas.flow import FlowGraph
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallEvent, CallFacts, Lane
from workers.assembly import Assembly
from workers.fake_llm.server import FakeLlm


async def no_graphs(partition: int) -> Mapping[str, FlowGraph]:
    del partition
    return {}


async def asked(lane: Lane, sent: Iterable[CallEvent], **extract: Any) -> FakeLlm:
    """The server after a worker with these settings has handled these events."""
    server, stage = FakeLlm(delay_s=0.02), stage_named("extract", lane)
    assert stage is not None
    async with server.listening() as base_url:
        settings = Settings(
            extract=ExtractSettings.model_validate({"extractor": "llm", **extract}),
            llm=LlmSettings(base_url=base_url, cache="off"),
            budget=BudgetSettings(ledger="off"),
        )
        async with Assembly(settings, no_graphs, load_library(settings)) as assembly:
            handler: Any = await assembly.handler(stage)
            events = [inbound(event, offset) for offset, event in enumerate(sent)]
            if stage.remembers:
                await run(handler, events)
            else:
                for event in events:
                    await handler(event)
    return server


def transcript(minutes: float) -> TranscriptCompleted:
    call = joined_call(minutes)
    return TranscriptCompleted(
        call_id="c1",
        call=CallFacts(language="en"),
        language="en",
        duration_ms=call.duration_ms,
        engine="text",
        segments=call.segments,
    )


async def test_a_worker_keeps_every_prompt_within_the_tokens_that_are_set() -> None:
    server = await asked(Lane.BATCH, [transcript(6)], chunk_tokens=3_000, chunks_at_once=2)
    prompts = [sum(estimated_tokens(one["content"]) for one in request.body["messages"]) for request in server.requests]
    assert len(prompts) > 3
    assert max(prompts) <= 3_000
    assert server.stats.most_open == 2


async def test_a_worker_shows_as_many_turns_again_as_are_set() -> None:
    shown = [
        sum(request.body["messages"][1]["content"].count("[s") for request in server.requests)
        for server in [
            await asked(Lane.BATCH, [transcript(6)], chunk_tokens=3_000, overlap_turns=overlap) for overlap in (0, 4)
        ]
    ]
    assert shown[0] < shown[1]


@pytest.mark.parametrize(("extract", "questions"), [({}, 2), ({"live_every_s": 0}, 5), ({"live_every_s": 60}, 1)])
async def test_a_live_worker_asks_as_often_as_is_set(extract: dict[str, float], questions: int) -> None:
    turns = [said(number, f"i want to cancel it {number}") for number in range(5)]
    assert len((await asked(Lane.LIVE, turns, **extract)).requests) == questions


async def test_a_live_worker_with_the_lexical_extractor_mines_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "build_extractor", lambda *_: Scripted())
    stage = stage_named("extract", Lane.LIVE)
    assert stage is not None
    async with Assembly(Settings(), no_graphs, load_library(Settings())) as assembly:
        handler: Any = await assembly.handler(stage)
        published, _ = await run(handler, [inbound(said(offset, "i want to cancel"), offset) for offset in range(3)])
    assert len(published) == 3
