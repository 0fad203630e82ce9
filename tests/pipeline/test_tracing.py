"""What is asked of others is a span below the current one, with no words in it; without a current one it is nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from traced import traced_into

from pipeline import tracing
from pipeline.errors import Retryable
from pipeline.llm.accounts import Accounts
from pipeline.llm.budget import Budget, caps_of
from pipeline.llm.metered import Means, Metered
from pipeline.llm.pace import Pace
from pipeline.llm.prices import Prices
from pipeline.ports import Account, ChatAnswer, ChatMessage, ChatModel, ChatRequest, Point, Where
from pipeline.settings import BudgetSettings, TracingSettings
from pipeline.store.coalesced import Coalescing
from pipeline.store.traced import Traced, traced
from pipeline.testing import InMemoryLedger, InMemoryMeter, InMemoryStore
from pipeline.tracing import NOTHING, Span, current, step, within

REQUEST = ChatRequest(
    (ChatMessage("user", "words of a call"),), {}, "x", max_tokens=100, account=Account("acme", "secret-call")
)
POINT = Point("00000000-0000-0000-0000-000000000001", "words of a call", {"call_id": "secret-call"})


class Says:
    """A ``ChatModel`` with one answer, or one error."""

    name = "m1"

    def __init__(self, answer: ChatAnswer | Exception) -> None:
        self._answer = answer

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        del request
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def close(self) -> None:
        """Nothing is open."""


def metered(model: ChatModel) -> Metered:
    accounts = Accounts(InMemoryLedger())
    budget = Budget(caps_of(BudgetSettings()), accounts)
    return Metered(model, Means(budget, accounts, Pace(), Prices([]), InMemoryMeter(), lambda _: 5))


async def test_an_answer_of_a_model_is_a_span_by_the_names_of_the_conventions(tmp_path: Path) -> None:
    answer = ChatAnswer("words of a call", "m1-2026", "stop", input_tokens=50, output_tokens=20)
    with traced_into(tmp_path) as made, within(made.tracer.start("process x", "consumer")):
        await metered(Says(answer)).answer(REQUEST)
    (above, asked) = made.spans
    assert (asked.name, asked.kind, asked.parent_id) == ("chat m1", "client", above.span_id)
    assert asked.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m1",
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.response.model": "m1-2026",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 50,
        "gen_ai.usage.output_tokens": 20,
    }
    assert not {"words", "secret"} & set(made.file.read_text().replace("-", " ").split())


async def test_a_model_that_is_away_is_told_by_the_class_of_the_error_alone(tmp_path: Path) -> None:
    refuses = metered(Says(Retryable("words of a call", dependency="llm")))
    with traced_into(tmp_path) as made, within(made.tracer.start("x", "consumer")), pytest.raises(Retryable):
        await refuses.answer(REQUEST)
    (above, asked) = made.spans
    assert (above.failed, asked.failed, asked.attributes["error.type"]) == (False, True, "Retryable")
    assert "words of a call" not in made.file.read_text()


async def test_what_events_store_together_is_a_span_below_each_of_them(tmp_path: Path) -> None:
    store = Traced(Coalescing(InMemoryStore()))

    async def stores(name: str) -> None:
        with within(made.tracer.start(name, "consumer")):
            await store.put("calls", [POINT])
            await store.search("calls", "words of a call", Where(), 3)

    with traced_into(tmp_path) as made:
        await asyncio.gather(stores("one"), stores("two"))
    by_id = {span.span_id: span for span in made.spans}
    done = [(by_id[span.parent_id].name, span.name) for span in made.spans if span.parent_id]
    assert sorted(done) == [(name, what) for name in ("one", "two") for what in ("query calls", "upsert calls")]
    (found, *_) = made.named("query calls")
    assert found.attributes == {
        "db.system.name": "qdrant",
        "db.operation.name": "query",
        "db.collection.name": "calls",
        "db.response.returned_rows": 1,
    }
    assert "words of a call" not in made.file.read_text()


async def test_every_call_of_the_store_is_passed_on_and_answered(tmp_path: Path) -> None:
    bare = InMemoryStore()
    store = traced(bare, TracingSettings(export="file"))
    assert traced(bare, TracingSettings()) is bare, "off, it is the store itself"
    with traced_into(tmp_path) as made, within(made.tracer.start("x", "server")):
        await store.prepare()
        await store.put("calls", [POINT])
        assert [hit.id for hit in await store.get("calls", [POINT.id])] == [POINT.id]
        assert (await store.similar("calls", [POINT.id], Where(), 3)) == []
        assert [hit.id for hit in (await store.page("calls", Where(), 3))[0]] == [POINT.id]
        assert await store.count("calls", Where()) == 1
        assert await store.values("calls", "call_id", Where()) == {"secret-call": 1}
        await store.remove("calls", Where(equal={"call_id": "secret-call"}))
        assert await store.count("calls", Where()) == 0
        await store.close()
    told = ["upsert", "retrieve", "recommend", "scroll", "count", "facet", "delete", "count"]
    assert [span.attributes["db.operation.name"] for span in made.spans[1:]] == told


def test_without_a_current_span_nothing_is_made_and_the_work_is_done() -> None:
    with step("x", "client", {"a": 1}) as span:
        assert span is NOTHING is current()
        span.set("b", 2)
        span.note("c")
        span.fail("d")
        span.call_it("e")
        assert span.below("f", "client") is NOTHING
    assert current() is NOTHING


def test_a_step_is_current_inside_ends_once_and_gives_way_to_the_one_above() -> None:
    log: list[str] = []

    class Noted:
        traceparent = ""

        def __init__(self, name: str) -> None:
            self._name = name

        def call_it(self, name: str) -> None:
            self._name = name

        def set(self, name: str, value: tracing.Value) -> None:
            del name, value

        def note(self, event: str, attributes: Mapping[str, tracing.Value] = tracing.NONE) -> None:
            del event, attributes

        def fail(self, error_type: str) -> None:
            log.append(f"{self._name} failed: {error_type}")

        def below(self, name: str, kind: tracing.Kind, attributes: tracing.Attributes = tracing.NONE) -> Span:
            del kind, attributes
            return Noted(f"{self._name}/{name}")

        def end(self) -> None:
            log.append(f"{self._name} ended")

    with within(Noted("a")) as above:
        with pytest.raises(KeyError), step("b", "client"), step("c", "client"):
            raise KeyError("words")
        assert current() is above
    assert log == ["a/b/c failed: KeyError", "a/b/c ended", "a/b failed: KeyError", "a/b ended", "a ended"]
