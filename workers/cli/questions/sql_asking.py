"""Who answers SQL on the command line: the gateway where one is set, else DuckDB here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

from pipeline.audit.act import command
from pipeline.audit.recorder import Recorder
from pipeline.export.sql import SqlAnswer, SqlAnswers
from pipeline.questions.asker import Asker
from pipeline.settings import Settings

Ask = Callable[[str, int | None], Awaitable[SqlAnswer]]
"""Answers a statement, with so many rows at most."""


@asynccontextmanager
async def sql_answers_of(settings: Settings, *, refresh: bool) -> AsyncIterator[Ask]:
    """Who answers, as the settings have it; it is recorded who asks: here, or by the gateway.

    Raises:
        Retryable: the store, the ledger or the gateway is away.
        Config: a setting is wrong.
        ConvmineError: calls of several tenants are stored, which only a gateway keeps apart.
    """
    from workers.cli.questions.asking import remote_of
    from workers.cli.recording import recording

    if settings.gateway.url is not None:
        async with remote_of(settings.gateway.url, settings) as answers:
            yield answers.sql
        return
    async with recording(settings) as recorder, _sql_answers(settings, refresh=refresh) as sql_answers:
        yield partial(_recorded, recorder, partial(sql_answers.sql, Asker(settings.tenant)))


async def _recorded(recorder: Recorder, ask: Ask, statement: str, limit: int | None) -> SqlAnswer:
    return await recorder.around(command("sql", statement=statement), lambda: ask(statement, limit))


@asynccontextmanager
async def _sql_answers(settings: Settings, *, refresh: bool) -> AsyncIterator[SqlAnswers]:
    if not refresh:
        yield SqlAnswers(settings.analytics)
        return
    from pipeline.export.incremental import Analytics
    from pipeline.llm.ledgers import open_ledger
    from pipeline.store.open import store_of
    from workers.cli.questions.asking import refuse_several_tenants

    ledger = open_ledger(settings)
    try:
        async with store_of(settings) as store:
            await refuse_several_tenants(store)
            yield SqlAnswers(settings.analytics, Analytics(store, ledger, settings.analytics))
    finally:
        await ledger.close()
