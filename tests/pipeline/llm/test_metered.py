from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from cache_places import Clock
from ledger_places import TODAY, purpose
from llm_server import Fail, Say, llm_server

from pipeline import figures
from pipeline.errors import Config, Poison, Retryable
from pipeline.llm.accounts import Accounts
from pipeline.llm.budget import Budget, Spent, caps_of
from pipeline.llm.distinct import distinct
from pipeline.llm.guarded import AnswerInvalid, GuardedChat
from pipeline.llm.metered import TRIES, Means, Metered
from pipeline.llm.models import open_model
from pipeline.llm.pace import Pace, heard
from pipeline.llm.prices import Prices
from pipeline.ports import Account, ChatAnswer, ChatMessage, ChatRequest
from pipeline.settings import BudgetSettings, LlmSettings, Settings
from pipeline.testing import InMemoryLedger, InMemoryMeter

REQUEST = ChatRequest(
    messages=(ChatMessage("user", "hi"),),
    json_schema={},
    schema_name="x",
    max_tokens=100,
    prompt_version="extract.v1",
    account=Account("acme", "c1", "extract", "telecom"),
)
ANSWER = ChatAnswer('{"a": 1}', "m1-2026-01-01", "stop", input_tokens=50, output_tokens=20, cached_tokens=10)
FOR = {"stage": "extract", "scenario": "telecom", "prompt_version": "extract.v1"}
ASKED = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai", "gen_ai_request_model": "m1"}


def five(messages: Iterable[ChatMessage]) -> int:
    """Five tokens a message; the schema is one of them."""
    return 5 * len(tuple(messages))


class Scripted:
    """A ``ChatModel`` that does what it is told to, one thing a request; the last one for all further requests."""

    name = "m1"

    def __init__(self, *steps: ChatAnswer | Callable[[], ChatAnswer]) -> None:
        self._steps = list(steps)
        self.asked = 0
        self.is_closed = False

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        del request
        self.asked += 1
        await asyncio.sleep(0)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        return step if isinstance(step, ChatAnswer) else step()

    async def close(self) -> None:
        self.is_closed = True


class Shop:
    """A metered model with everything that it works with."""

    def __init__(self, *steps: ChatAnswer | Callable[[], ChatAnswer], budget: BudgetSettings | None = None) -> None:
        self.model, self.meter, self.ledger = Scripted(*steps), InMemoryMeter(), InMemoryLedger()
        accounts = Accounts(self.ledger, now=Clock())
        self.metered = Metered(
            self.model,
            Means(
                budget=Budget(caps_of(budget or BudgetSettings()), accounts),
                accounts=accounts,
                pace=Pace(),
                prices=Prices(["m1=1:10:0.5"]),
                meter=self.meter,
                estimate=five,
            ),
        )


def limited(seconds: str) -> Callable[[], ChatAnswer]:
    def refuse() -> ChatAnswer:
        heard(429, {"retry-after": seconds})
        raise Retryable("the model's server answered 429", dependency="llm", retry_after_s=float(seconds))

    return refuse


def failing(error: Exception) -> Callable[[], ChatAnswer]:
    def fail() -> ChatAnswer:
        raise error

    return fail


async def test_an_answer_is_accounted_for_by_what_it_was_for() -> None:
    shop = Shop(ANSWER)
    assert await shop.metered.answer(REQUEST) == ANSWER
    await shop.metered.answer(replace(REQUEST, account=replace(REQUEST.account, call_id="c2")))
    await shop.metered.close()
    kept = shop.ledger.kept[purpose()]
    assert (kept.requests, kept.input_tokens, kept.cached_tokens, kept.output_tokens) == (2, 100, 20, 40)
    assert kept.usd == pytest.approx(2 * (40 * 1 + 10 * 0.5 + 20 * 10) / 1e6)
    assert (distinct(kept.calls), kept.unpriced) == (2, 0)
    assert kept.seconds > 0
    assert shop.model.is_closed


async def test_tokens_seconds_and_money_are_measured_by_the_names_of_the_conventions() -> None:
    shop = Shop(ANSWER)
    await shop.metered.answer(REQUEST)
    assert shop.meter.observed(figures.TOKENS, gen_ai_token_type="input", **ASKED, **FOR) == [50]
    assert shop.meter.observed(figures.TOKENS, gen_ai_token_type="output", **ASKED, **FOR) == [20]
    assert len(shop.meter.observed(figures.SECONDS, error_type="", **ASKED, **FOR)) == 1
    assert shop.meter.counted(figures.COST, gen_ai_request_model="m1", **FOR) == pytest.approx(245e-6)
    assert shop.meter.counted(figures.ENDS, end="stop", **FOR) == 1
    await shop.metered.close()


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (replace(ANSWER, text="no JSON"), "stop"),
        (replace(ANSWER, finish_reason="length"), "length"),
        (replace(ANSWER, text="", refusal="I will not"), "refusal"),
        (replace(ANSWER, text="", finish_reason="content_filter"), "content_filter"),
        (replace(ANSWER, text=" "), "empty"),
    ],
)
async def test_an_answer_that_is_no_use_was_paid_for_too(answer: ChatAnswer, end: str) -> None:
    shop = Shop(answer)
    await shop.metered.answer(REQUEST)
    await shop.metered.close()
    assert shop.ledger.kept[purpose()].input_tokens == 50
    assert shop.meter.counted(figures.ENDS, end=end, **FOR) == 1


async def test_every_try_of_a_guarded_question_is_paid_for() -> None:
    shop = Shop(replace(ANSWER, text="no JSON"), ANSWER)

    def read(text: str) -> str:
        if not text.startswith("{"):
            raise AnswerInvalid("no JSON")
        return text

    asked = await GuardedChat(shop.metered, reasks=1).ask(REQUEST, read)
    await shop.metered.close()
    assert shop.ledger.kept[purpose()].requests == 2
    assert asked.said.input_tokens == shop.ledger.kept[purpose()].input_tokens == 100


async def test_a_model_without_a_price_has_no_cost_and_it_is_counted() -> None:
    shop = Shop(replace(ANSWER, model="other"))
    shop.model.name = "other"
    await shop.metered.answer(REQUEST)
    await shop.metered.close()
    kept = shop.ledger.kept[purpose(model="other")]
    assert (kept.usd, kept.unpriced) == (0.0, 1)
    assert shop.meter.counted(figures.UNPRICED, gen_ai_request_model="other") == 1
    assert shop.meter.counted(figures.COST, gen_ai_request_model="other", **FOR) == 0


@pytest.mark.parametrize(
    "error", [Retryable("503", dependency="llm"), Poison("no"), Config("CONVMINE_LLM_API_KEY", "is refused")]
)
async def test_a_request_that_fails_is_timed_and_raised_and_costs_nothing(error: Exception) -> None:
    shop = Shop(failing(error), budget=BudgetSettings(day_tokens=200))
    for _ in range(3):  # and leaves its room to the next
        with pytest.raises(type(error)):
            await shop.metered.answer(REQUEST)
    await shop.metered.close()
    assert shop.ledger.kept == {}
    assert len(shop.meter.observed(figures.SECONDS, error_type=type(error).__name__, **ASKED, **FOR)) == 3


async def test_a_refusal_for_the_rate_is_waited_out_and_no_failure() -> None:
    shop = Shop(limited("0.05"), limited("0.05"), ANSWER)
    assert await shop.metered.answer(REQUEST) == ANSWER
    await shop.metered.close()
    assert shop.meter.counted(figures.LIMITED, stage="extract") == 2
    assert shop.ledger.kept[purpose()].requests == 1
    assert max(shop.meter.observed(figures.WAITED, stage="extract")) >= 0.04


async def test_a_server_that_goes_on_refusing_the_rate_is_left_to_the_runtime() -> None:
    shop = Shop(limited("0.01"))
    with pytest.raises(Retryable, match="429") as caught:
        await shop.metered.answer(REQUEST)
    assert (shop.model.asked, caught.value.retry_after_s) == (TRIES, 0.01)


async def test_a_budget_that_runs_out_half_way_lets_half_of_the_calls_through() -> None:
    # Each may take 5 + 5 + 100 tokens and takes 70: the ninth and tenth have no room for the most they may take.
    shop = Shop(ANSWER, budget=BudgetSettings(day_tokens=8 * 70 + 60))
    answers = await asyncio.gather(*(shop.metered.answer(REQUEST) for _ in range(16)), return_exceptions=True)
    assert sum(isinstance(one, ChatAnswer) for one in answers) == 8
    spent = [one for one in answers if isinstance(one, Spent)]
    assert len(spent) == 8
    assert shop.model.asked == 8
    assert shop.meter.counted(figures.SPENT, cap="day", stage="extract", scenario="telecom") == 8
    await shop.metered.close()
    assert shop.ledger.kept[purpose()].tokens == 8 * 70


async def test_the_answers_of_a_live_call_add_up_against_its_cap() -> None:
    shop = Shop(ANSWER, budget=BudgetSettings(call_tokens=300))
    other = replace(REQUEST, account=replace(REQUEST.account, call_id="c2"))
    for _ in range(3):
        await shop.metered.answer(REQUEST)
    with pytest.raises(Spent, match="the budget for the call is spent"):
        await shop.metered.answer(REQUEST)
    await shop.metered.answer(other)
    await shop.metered.close()


def settings_of(folder: Path, url: str, budget: dict[str, object], **llm: object) -> Settings:
    return Settings(
        llm=LlmSettings.model_validate({"base_url": url, "model": "m1", **llm}),
        budget=BudgetSettings.model_validate({"ledger_path": folder / "usage.sqlite", **budget}),
    )


async def test_over_http_a_429_is_waited_out_by_what_the_server_says(tmp_path: Path) -> None:
    refusal = Fail(429, headers={"retry-after": "1", "retry-after-ms": "50"})
    with llm_server(refusal, refusal, Say('{"a": 1}')) as server:
        meter = InMemoryMeter()
        model = open_model(settings_of(tmp_path, server.base_url, {}), meter, five)
        assert (await model.answer(REQUEST)).text == '{"a": 1}'
        await model.close()
    assert len(server.requests) == 3
    assert meter.counted(figures.LIMITED, stage="extract") == 2


async def test_over_http_a_budget_that_is_spent_is_known_after_a_restart(tmp_path: Path) -> None:
    prices = "m1=100:1000"  # an answer of 100 and 20 tokens is 0.03 USD, and may be 0.101
    budget = {"prices": prices, "day_usd": 0.15, "ledger_path": tmp_path / "usage.sqlite"}
    with llm_server(Say("{}")) as server:
        for answers in (2, 0):
            model = open_model(settings_of(tmp_path, server.base_url, budget), InMemoryMeter(), five)
            request = replace(REQUEST, account=replace(REQUEST.account, tenant_id="acme"))
            for _ in range(answers):
                await model.answer(request)
            with pytest.raises(Spent, match=r"0\.0600 of 0\.15 USD"):
                await model.answer(request)
            await model.close()
    assert len(server.requests) == 2


@pytest.mark.parametrize("cap", ["call_usd", "scenario_usd", "day_usd"])
def test_a_cap_in_money_needs_a_price(tmp_path: Path, cap: str) -> None:
    settings = settings_of(tmp_path, "http://localhost:1/v1", {cap: 1.0, "prices": "gpt-4.1=2:8"})
    with pytest.raises(Config, match=f"no price of m1, which CONVMINE_BUDGET_{cap.upper()} needs") as caught:
        open_model(settings, InMemoryMeter(), five)
    assert caught.value.setting == "CONVMINE_BUDGET_PRICES"


def test_the_day_of_the_tests_is_the_clocks() -> None:
    assert Accounts(InMemoryLedger(), now=Clock()).today() == TODAY
