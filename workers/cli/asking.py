"""Who answers the questions of the command line: the gateway where one is set, else the store itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pipeline.questions.answering import Answers
from pipeline.questions.question import Question
from pipeline.settings import Settings, load


async def ask(question: Question) -> Any:  # noqa: ANN401 - each kind of question has an answer of its own
    """The answer to one question, with the settings of this process."""
    async with answers_of(load()) as answers:
        return await answers.answer(question)


@asynccontextmanager
async def answers_of(settings: Settings) -> AsyncIterator[Answers]:
    """Who answers, as the settings have it.

    Raises:
        Retryable: the store is away, or another process has its folder open.
        Config: a setting is wrong.
    """
    from pipeline.questions.answering import StoredAnswers
    from pipeline.questions.asker import Asker
    from pipeline.store.open import store_of

    async with store_of(settings) as store:
        yield StoredAnswers(store, Asker(settings.tenant))
