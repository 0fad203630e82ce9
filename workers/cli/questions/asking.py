"""Who answers the questions of the command line: the gateway where one is set, else the store itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pipeline.audit.entry import Origin
from pipeline.errors import Config, ConvmineError
from pipeline.ports import VectorStore, Where
from pipeline.questions.answering import Answers
from pipeline.questions.question import Question
from pipeline.settings import Settings, load

if TYPE_CHECKING:
    from workers.remote import RemoteAnswers


async def ask(question: Question) -> Any:  # noqa: ANN401 - each kind of question has an answer of its own
    """The answer to one question, with the settings of this process."""
    async with answers_of(load()) as answers:
        return await answers.answer(question)


@asynccontextmanager
async def answers_of(settings: Settings, origin: Origin = "cli") -> AsyncIterator[Answers]:
    """Who answers, as the settings have it; it is recorded who has the answers: here, or by the gateway.

    Raises:
        Retryable: the store or the gateway is away, or another process has the store's folder open.
        Config: a setting is wrong.
        ConvmineError: calls of several tenants are stored, which only a gateway keeps apart.
    """
    if settings.gateway.url is not None:
        async with remote_of(settings.gateway.url, settings) as answers:
            yield answers
        return
    from pipeline.audit.audited import Audited
    from pipeline.questions.answering import StoredAnswers
    from pipeline.questions.asker import Asker
    from pipeline.store.open import store_of
    from workers.cli.recording import recording

    async with store_of(settings) as store, recording(settings, origin) as recorder:
        await refuse_several_tenants(store)
        yield Audited(StoredAnswers(store, Asker(settings.tenant)), recorder)


async def refuse_several_tenants(store: VectorStore) -> None:
    """Nothing, where all calls are of one tenant; who can open the store is then somebody of that tenant.

    Raises:
        ConvmineError: they are of several.
    """
    from pipeline.store.collections import CALLS

    if len(await store.values(CALLS, "tenant_id", Where(), limit=2)) > 1:
        raise ConvmineError(
            "calls of several tenants are stored here: ask through the gateway",
            hint="convmine gateway serves it; set CONVMINE_GATEWAY_URL and CONVMINE_GATEWAY_KEY",
        )


@asynccontextmanager
async def remote_of(url: str, settings: Settings) -> AsyncIterator[RemoteAnswers]:
    """The answers of the gateway at ``url``.

    Raises:
        Config: no key is set.
    """
    from workers.remote import remote_answers

    key = settings.gateway.key
    if key is None:
        raise Config("CONVMINE_GATEWAY_KEY", "is not set", hint="whoever runs the gateway makes one: convmine keys new")
    async with remote_answers(url, key.get_secret_value()) as answers:
        yield answers
