"""The same event twice with a language model: what it costs, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from llm_server import Fail, LlmServer, Say, llm_server
from talks import talk

from pipeline.errors import Poison, Retryable
from pipeline.extract.llm import LlmExtractor
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import build
from pipeline.handling import Handler, Inbound, Outbound, Position
from pipeline.llm.guarded import GuardedChat
from pipeline.llm.openai_chat import OpenAIChat
from pipeline.ports import ResponseCache
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Scenario
from pipeline.settings import ExtractSettings, LlmSettings, Settings
from pipeline.testing import InMemoryResponseCache
from schemas.envelope import encode, message
from schemas.insight import CallInsight
from schemas.transcript import TranscriptCompleted

LINES = ("a: good morning", "c: it is too expensive so i want to cancel", "c: fine then i will stay")
VALID = {
    "intents": [{"segment": "s2", "intent": "cancel_contract", "quote": "i want to cancel", "confidence": 0.8}],
    "entities": [],
    "topics": ["contract"],
    "outcome": {"name": "retained", "segment": "s3", "quote": "i will stay"},
    "summary": "The customer stays.",
}


def says(**changes: Any) -> Say:
    return Say(json.dumps(VALID | changes))


def delivered(*lines: str, call_id: str = "c1", tenant: str = "t1", revision: int = 1) -> Inbound:
    transcript = TranscriptCompleted(
        call_id=call_id,
        language="en",
        duration_ms=60_000,
        engine="test",
        revision=revision,
        segments=talk(*(lines or LINES)),
    )
    made = message(
        transcript, id="e1", source="/t", time=datetime(2026, 1, 1, tzinfo=UTC), subject=call_id, tenant_id=tenant
    )
    return Inbound(made, Position("calls.transcripts.batch", 0, 1))


def handler(
    server: LlmServer, cache: ResponseCache, *, model: str = "m1", reasks: int = 1, scenario: Scenario | None = None
) -> Handler:
    """One worker's."""
    chat = OpenAIChat(model, base_url=server.base_url, api_key=None, timeout_s=5)
    extractor = LlmExtractor(GuardedChat(chat, reasks=reasks, cache=cache, server=server.base_url))
    return build(
        extractor=extractor, scenarios=lambda name, _tenant: scenario or shipped(name), default_scenario="telecom"
    )


def insight(outputs: Sequence[Outbound]) -> CallInsight:
    (out,) = outputs
    assert isinstance(out.message.payload, CallInsight)
    return out.message.payload


@pytest.fixture
def cache() -> InMemoryResponseCache:
    return InMemoryResponseCache()


async def test_a_redelivery_asks_nobody_and_gives_the_very_same_event(cache: InMemoryResponseCache) -> None:
    with llm_server(says(), says(summary="Something else.")) as server:
        first = await handler(server, cache)(delivered())
        again = await handler(server, cache)(delivered())
    assert len(server.requests) == 1
    assert first == again
    assert encode(insight(first)) == encode(insight(again))
    assert insight(first).provenance.input_tokens == 100


async def test_what_a_reask_took_stands_in_the_redelivered_insight_too(cache: InMemoryResponseCache) -> None:
    with llm_server(Say("{"), says()) as server:
        first = await handler(server, cache)(delivered())
        again = await handler(server, cache)(delivered())
    assert len(server.requests) == 2
    assert first == again
    assert (insight(again).provenance.reasks, insight(again).provenance.input_tokens) == (1, 200)


async def test_an_answer_that_is_not_valid_is_never_kept(cache: InMemoryResponseCache) -> None:
    with llm_server(Say("{"), says(intents=[]), says()) as server:
        with pytest.raises(Poison):
            await handler(server, cache, reasks=0)(delivered())
        assert cache.kept == {}
        assert insight(await handler(server, cache, reasks=0)(delivered())).intents == ()
    assert len(server.requests) == 2


async def test_a_server_that_is_away_leaves_nothing_behind(cache: InMemoryResponseCache) -> None:
    with llm_server(Fail(503), says()) as server:
        with pytest.raises(Retryable):
            await handler(server, cache)(delivered())
        await handler(server, cache)(delivered())
    assert len(server.requests) == 2
    assert len(cache.kept) == 1


def next_prompt(scenario: Scenario) -> Scenario:
    """The same words as a new version."""
    edition = scenario.edition("en")
    prompts = [prompt.model_copy(update={"version": prompt.version + 1}) for prompt in edition.prompts]
    raised = edition.model_copy(update={"prompts": (*edition.prompts, *prompts)})
    return scenario.model_copy(update={"editions": {**scenario.editions, "en": raised}})


async def test_a_new_version_of_the_prompt_asks_again(cache: InMemoryResponseCache) -> None:
    with llm_server(says()) as server:
        await handler(server, cache)(delivered())
        newer = handler(server, cache, scenario=next_prompt(shipped("telecom")))
        assert insight(await newer(delivered())).provenance.prompt_version == "extract.v3"
        await newer(delivered())
    assert len(server.requests) == 2


async def test_another_model_and_other_words_ask_again(cache: InMemoryResponseCache) -> None:
    with llm_server(says()) as server:
        await handler(server, cache)(delivered())
        await handler(server, cache, model="m2")(delivered())
        await handler(server, cache)(delivered(*LINES, "c: goodbye"))
        assert len(server.requests) == 3
        assert [request["model"] for request in server.requests] == ["m1", "m2", "m1"]


async def test_the_same_model_on_another_server_asks_again(cache: InMemoryResponseCache) -> None:
    with llm_server(says()) as one, llm_server(says(summary="As another sees it.")) as other:
        await handler(one, cache)(delivered())
        assert insight(await handler(other, cache)(delivered())).summary == "As another sees it."


async def test_a_new_revision_with_the_same_words_costs_nothing(cache: InMemoryResponseCache) -> None:
    with llm_server(says()) as server:
        await handler(server, cache)(delivered())
        newer = insight(await handler(server, cache)(delivered(revision=2)))
    assert len(server.requests) == 1
    assert newer.revision == 2


async def test_a_worker_that_was_slower_goes_on_with_the_answer_that_is_kept(cache: InMemoryResponseCache) -> None:
    class Late(InMemoryResponseCache):
        """A worker that looked before the other one had written."""

        async def get(self, key: str) -> None:
            del key

    late = Late()
    with llm_server(says(), says(summary="What the slower one was told.")) as server:
        first = await handler(server, cache)(delivered())
        late.kept = cache.kept
        assert await handler(server, late)(delivered()) == first
    assert len(server.requests) == 2


async def test_what_is_kept_and_cannot_be_read_as_an_answer_is_asked_again(cache: InMemoryResponseCache) -> None:
    with llm_server(says()) as server:
        await handler(server, cache)(delivered())
        (key,) = cache.kept
        known, subject, stored = cache.kept[key]
        cache.kept[key] = (replace(known, text='{"intents": "none"}'), subject, stored)
        assert insight(await handler(server, cache)(delivered())).summary == "The customer stays."
    assert len(server.requests) == 2


async def test_what_is_kept_of_a_call_can_be_removed(cache: InMemoryResponseCache) -> None:
    with llm_server(says()) as server:
        await handler(server, cache)(delivered())
        await cache.remove("t1:c2")
        assert len(cache.kept) == 1
        await cache.remove("t1:c1")
    assert cache.kept == {}


@asynccontextmanager
async def worker(settings: Settings) -> AsyncIterator[Handler]:
    """A worker's handler as it is built at start."""
    extractor = build_extractor(settings, shipped)
    yield build(extractor=extractor, scenarios=shipped, default_scenario="telecom")
    await extractor.close()


@pytest.mark.parametrize(("switch", "asked"), [("sqlite", 1), ("off", 2)])
async def test_a_worker_that_starts_again_finds_the_answers_unless_they_are_switched_off(
    switch: str, asked: int, tmp_path: Path
) -> None:
    with llm_server(says()) as server:
        settings = Settings(
            extract=ExtractSettings(extractor="llm"),
            llm=LlmSettings.model_validate(
                {"base_url": server.base_url, "cache": switch, "cache_path": tmp_path / "answers.sqlite"}
            ),
        )
        outputs = []
        for _ in range(2):
            async with worker(settings) as handle:
                outputs.append(await handle(delivered()))
    assert len(server.requests) == asked
    assert outputs[0] == outputs[1]
    assert (tmp_path / "answers.sqlite").exists() is (switch == "sqlite")


async def test_a_cache_that_cannot_be_used_stops_no_event(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with llm_server(says()) as server:
        settings = Settings(
            extract=ExtractSettings(extractor="llm"),
            llm=LlmSettings(base_url=server.base_url, cache_path=tmp_path / "file" / "answers.sqlite"),
        )
        async with worker(settings) as handle:
            assert insight(await handle(delivered())).summary == "The customer stays."
