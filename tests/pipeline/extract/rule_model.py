"""A chat model that answers by the rules of ``convmine fake-llm``, without a server in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from pipeline.extract.tokens import prompt_tokens
from pipeline.ports import ChatAnswer, ChatRequest
from workers.fake_llm.question import Question, Said, tokens_of
from workers.fake_llm.rules import answer_by_rule

NOTHING: Final = '{"intents": [], "entities": [], "topics": [], "outcome": null, "summary": "s"}'


class RuleModel:
    """Answers by rule, unless ``instead`` gives another answer or raises; it keeps what it was asked.

    ``under_way`` is set by the first request; ``most_at_once`` is how many there were at the same time, at most.
    """

    name: Final = "rules"

    def __init__(self, instead: Callable[[ChatRequest], ChatAnswer | None] | None = None) -> None:
        self.asked: list[ChatRequest] = []
        self.most_at_once = 0
        self.under_way = asyncio.Event()
        self._instead = instead
        self._under_way = 0

    async def answer(self, request: ChatRequest) -> ChatAnswer:
        self.asked.append(request)
        self._under_way += 1
        self.under_way.set()
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            await asyncio.sleep(0.001)
            return (self._instead and self._instead(request)) or by_rule(request)
        finally:
            self._under_way -= 1

    async def close(self) -> None:
        """Nothing is held open."""


def by_rule(request: ChatRequest) -> ChatAnswer:
    said = tuple(Said(message.role, message.content) for message in request.messages)
    text = answer_by_rule(Question("rules", said, "json_schema", request.json_schema))
    return ChatAnswer(text, "rules", "stop", prompt_tokens(request.messages), tokens_of(text))


def nothing(request: ChatRequest) -> ChatAnswer:
    """A short answer that finds nothing, for tests that are about the questions."""
    text = NOTHING if request.schema_name.startswith("extract") else '{"summary": "s"}'
    return ChatAnswer(text, "rules", "stop", prompt_tokens(request.messages), tokens_of(text))


def cut_off(request: ChatRequest) -> ChatAnswer:
    return ChatAnswer('{"intents": [', "rules", "length", prompt_tokens(request.messages), request.max_tokens)
