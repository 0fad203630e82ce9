"""A chat model that is asked within its budget and at its pace, and whose every answer is accounted for."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

from pipeline import figures
from pipeline.errors import ConvmineError, Retryable
from pipeline.llm.accounts import Accounts, Amount
from pipeline.llm.budget import Budget, Spent
from pipeline.llm.pace import Pace
from pipeline.llm.prices import Prices
from pipeline.llm.usage import Purpose, Usage
from pipeline.ports import ChatAnswer, ChatMessage, ChatModel, ChatRequest, Meter
from pipeline.tracing import Span, Value, step

TRIES: Final = 5
"""How often a request is sent that the server refuses for its rate, as long as it lets others through; then the runtime
tries the event again, later, and says that the server is away."""
_CHAT: Final = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai"}

Estimate = Callable[[Iterable[ChatMessage]], int]
"""The tokens of messages, about."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a metered model works with; ``accounts`` are those that the budget reads."""

    budget: Budget
    accounts: Accounts
    pace: Pace
    prices: Prices
    meter: Meter
    estimate: Estimate


class Metered:
    """A ``ChatModel`` around another one.

    Every answer counts, also one that is invalid, cut off or refused: it was paid for. A request that fails counts
    nothing, as no server says what it took.

    Args:
        model: who is asked.
        means: budget, accounts, pace, prices, meter.
        clock: seconds that never go back.
    """

    def __init__(self, model: ChatModel, means: Means, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._model = model
        self._means = means
        self._clock = clock
        self._schema: tuple[Mapping[str, Any], ChatMessage] | None = None

    @property
    def name(self) -> str:
        return self._model.name

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        """The model's answer.

        Raises:
            Spent: a cap leaves no room for the request.
            Retryable, Poison, Config: as the model raises them; a server that refuses the rate is asked again before.
        """
        account = request.account
        need = self._need(request)
        try:
            async with self._means.budget.room(account, need):
                answer, seconds = await self._in_turn(request, need.tokens)
                self._account_for(request, answer, seconds)
        except Spent as spent:
            labels = {"stage": account.stage, "scenario": account.scenario}
            self._means.meter.count(figures.SPENT, 1, cap=spent.scope, **labels)
            raise
        return answer

    async def close(self) -> None:
        """Close the model's connections, and write down what was used."""
        try:
            await self._model.close()
        finally:
            await self._means.accounts.close()

    def _asked(self, request: ChatRequest) -> str:
        return request.model or self.name

    async def _in_turn(self, request: ChatRequest, tokens: int) -> tuple[ChatAnswer, float]:
        """The answer and the seconds that it took; sent again where the server refused the rate."""
        tries = 0
        while True:
            tries += 1
            asked_at = self._clock()
            async with self._means.pace.turn(tokens) as turn:
                self._means.meter.observe(figures.WAITED, self._clock() - asked_at, stage=request.account.stage)
                try:
                    answer, seconds = await self._timed(request)
                except Retryable:
                    turn.used(0)
                    if turn.limited_s is None:
                        raise
                    self._means.meter.count(figures.LIMITED, stage=request.account.stage)
                    if tries == TRIES or self._means.pace.is_away:
                        raise
                else:
                    turn.used(answer.input_tokens + answer.output_tokens)
                    return answer, seconds

    async def _timed(self, request: ChatRequest) -> tuple[ChatAnswer, float]:
        began = self._clock()
        error_type = ""
        try:
            with _step(self._asked(request), request) as span:
                answer = await self._model.answer(request)
                _tell(span, answer)
        except ConvmineError as error:
            error_type = type(error).__name__
            raise
        finally:
            seconds = self._clock() - began
            labels = {**_CHAT, "gen_ai_request_model": self._asked(request), **_for(request)}
            self._means.meter.observe(figures.SECONDS, seconds, error_type=error_type, **labels)
        return answer, seconds

    def _account_for(self, request: ChatRequest, answer: ChatAnswer, seconds: float) -> None:
        usd = self._means.prices.cost_usd(
            answer.model,
            answer.input_tokens,
            answer.output_tokens,
            cached_tokens=answer.cached_tokens,
            asked_as=self._asked(request),
        )
        usage = Usage(
            requests=1,
            input_tokens=answer.input_tokens,
            cached_tokens=answer.cached_tokens,
            output_tokens=answer.output_tokens,
            usd=usd or 0.0,
            unpriced=int(usd is None),
            seconds=seconds,
        )
        account, accounts = request.account, self._means.accounts
        purpose = Purpose(
            accounts.today(),
            account.tenant_id,
            account.scenario,
            account.stage,
            self._asked(request),
            request.prompt_version,
        )
        accounts.record(purpose, usage, call=account.call_id and f"{account.tenant_id}:{account.call_id}")
        self._means.budget.used(account, Amount(usage.tokens, usage.usd))
        self._measure(request, answer, usd)

    def _measure(self, request: ChatRequest, answer: ChatAnswer, usd: float | None) -> None:
        meter, labels = self._means.meter, _for(request)
        model = {"gen_ai_request_model": self._asked(request)}
        for kind, tokens in (("input", answer.input_tokens), ("output", answer.output_tokens)):
            meter.observe(figures.TOKENS, tokens, gen_ai_token_type=kind, **_CHAT, **model, **labels)
        meter.count(figures.ENDS, 1, end=_end(answer), **labels)
        if usd is None:
            meter.count(figures.UNPRICED, 1, **model)
        else:
            meter.count(figures.COST, usd, **model, **labels)

    def _need(self, request: ChatRequest) -> Amount:
        """The most that a request may take, as far as it can be estimated; servers count the schema as input."""
        sent = self._means.estimate((*request.messages, self._as_message(request.json_schema)))
        usd = self._means.prices.cost_usd(self._asked(request), sent, request.max_tokens)
        return Amount(sent + request.max_tokens, usd or 0.0)

    def _as_message(self, schema: Mapping[str, Any]) -> ChatMessage:
        """Written out once for calls one after the other that are asked with the very same schema, as most are."""
        if self._schema is None or self._schema[0] is not schema:
            self._schema = schema, ChatMessage("system", json.dumps(dict(schema), ensure_ascii=False))
        return self._schema[1]


def _step(model: str, request: ChatRequest) -> AbstractContextManager[Span]:
    """The span of one request, as OpenTelemetry's conventions for generative AI clients have it; none of its words."""
    attributes: dict[str, Value] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": model,
        "gen_ai.request.max_tokens": request.max_tokens,
        "gen_ai.request.temperature": request.temperature,
    }
    return step(f"chat {model}", "client", attributes)


def _tell(span: Span, answer: ChatAnswer) -> None:
    span.set("gen_ai.response.model", answer.model)
    span.set("gen_ai.response.finish_reasons", (answer.finish_reason,))
    span.set("gen_ai.usage.input_tokens", answer.input_tokens)
    span.set("gen_ai.usage.output_tokens", answer.output_tokens)


def _for(request: ChatRequest) -> dict[str, str]:
    account = request.account
    return {"stage": account.stage, "scenario": account.scenario, "prompt_version": request.prompt_version}


def _end(answer: ChatAnswer) -> str:
    if answer.refusal:
        return "refusal"
    if answer.finish_reason in {"length", "content_filter"}:
        return answer.finish_reason
    return "stop" if answer.text.strip() else "empty"
