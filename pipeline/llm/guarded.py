"""Asking a chat model until its answer is valid: kept answers first, then the model, then again with what was wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from pipeline.errors import Poison
from pipeline.llm.answer_key import answer_key
from pipeline.llm.caches import NoCache
from pipeline.ports import ChatAnswer, ChatMessage, ChatModel, ChatRequest, KeptAnswer, ResponseCache

_REASK: Final = "Your answer is not valid: {error}. Give the whole corrected JSON object and nothing else."

T = TypeVar("T")


class AnswerInvalid(ValueError):
    """The answer is no JSON or not of the schema; the message says where and what is expected."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A valid answer as it was read, and as it was said."""

    value: T
    said: KeptAnswer


class GuardedChat:
    """Gives valid answers alone; what the model answered before, and was valid, is not asked again.

    Args:
        model: who is asked.
        reasks: how often an answer that is not valid is sent back with what is wrong with it.
        cache: where valid answers are kept; without one, nowhere.
        server: where the model is served: its answers stand for no other server's.
    """

    def __init__(
        self, model: ChatModel, *, reasks: int = 1, cache: ResponseCache | None = None, server: str = ""
    ) -> None:
        self._model = model
        self._reasks = reasks
        self._cache = cache or NoCache()
        self._server = server

    async def ask(self, request: ChatRequest, read: Callable[[str], T], *, subject: str = "") -> Asked[T]:
        """The answer that is kept, or else the model's; that one is kept under the key of the first request.

        Args:
            request: what to ask.
            read: the answer's text as a value; raises ``AnswerInvalid`` with words that the model understands.
            subject: whose words are in the request (``tenant:call``): what is kept of them is erased by it.

        Raises:
            Poison: no valid answer came.
            Retryable, Config: as the model raises them.
        """
        key = answer_key(request, model=self._model.name, server=self._server)
        if (kept := _valid(await self._cache.get(key), read)) is not None:
            return kept
        asked = await self._ask(request, read)
        # Another worker may have been quicker with the same event: then both go on with its answer.
        return _valid(await self._cache.put(key, asked.said, subject=subject), read) or asked

    async def close(self) -> None:
        """Close the connections of the model and of the cache."""
        try:
            await self._model.close()
        finally:
            await self._cache.close()

    async def _ask(self, request: ChatRequest, read: Callable[[str], T]) -> Asked[T]:
        input_tokens = output_tokens = 0
        for reasks in range(self._reasks + 1):
            said = await self._model.answer(request)
            input_tokens, output_tokens = input_tokens + said.input_tokens, output_tokens + said.output_tokens
            _check(said, request)
            try:
                value = read(said.text)
            except AnswerInvalid as error:
                problem = error
                request = replace(
                    request,
                    messages=(
                        *request.messages,
                        ChatMessage("assistant", said.text),
                        ChatMessage("user", _REASK.format(error=error)),
                    ),
                )
            else:
                whole = KeptAnswer(said.text, said.model, said.finish_reason, reasks, input_tokens, output_tokens)
                return Asked(value, whole)
        tries = f"{self._reasks + 1} {'try' if self._reasks == 0 else 'tries'}"
        raise Poison(f"the model {self._model.name} gave no valid answer in {tries}: {problem}") from problem


def _check(said: ChatAnswer, request: ChatRequest) -> None:
    """Raises what names why there is no answer."""
    if said.refusal:
        raise Poison(f"the model refuses to answer: {said.refusal[:300]}")
    if said.finish_reason == "content_filter":
        raise Poison("the model's answer was withheld by a content filter")
    if said.finish_reason == "length":
        raise Poison(f"the model's answer was cut off at {request.max_tokens} tokens")
    if not said.text.strip():
        raise Poison(f"the model's answer is empty (finish reason {said.finish_reason})")


def _valid(kept: KeptAnswer | None, read: Callable[[str], T]) -> Asked[T] | None:
    if kept is None:
        return None
    try:
        return Asked(read(kept.text), kept)
    except AnswerInvalid:
        return None
