"""What the gateway asks, opened once for all requests: the store, a language model where one is set, and SQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from pipeline.audit.logs import open_log
from pipeline.export.incremental import Analytics, Refreshed
from pipeline.export.sql import SqlAnswers
from pipeline.llm.ledgers import open_ledger
from pipeline.llm.usage import UsageLedger
from pipeline.ports import Meter, VectorStore
from pipeline.questions.answering import StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.wording.model_answer import Meant
from pipeline.questions.wording.worded import worded
from pipeline.settings import AnalyticsSettings, Settings
from pipeline.store.open import store_of
from workers.gateway.auditing import Auditing
from workers.gateway.pages import AnswersFor
from workers.gateway.tables import AskSql
from workers.gateway.wording import Put


@dataclass(frozen=True, slots=True)
class Opened:
    """Who answers what, and of what; ``put`` is None where no language model is set."""

    answers_for: AnswersFor
    ask_sql: AskSql
    auditing: Auditing
    put: Put | None
    store: VectorStore
    ledger: UsageLedger


@asynccontextmanager
async def opened(settings: Settings, meter: Meter, shared: VectorStore | None = None) -> AsyncIterator[Opened]:
    """Everything that the settings name, closed at the end; of a ``shared`` store somebody else takes care.

    Raises:
        Retryable: the store is away.
        Config: a setting is wrong.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(store_of(settings)) if shared is None else shared
        put = await stack.enter_async_context(_put(settings, store, meter)) if settings.llm.is_set else None
        ledger = open_ledger(settings)
        stack.push_async_callback(ledger.close)
        analytics = SharedAnalytics(store, ledger, settings.analytics)
        stack.push_async_callback(analytics.stop)
        sql = SqlAnswers(settings.analytics, analytics).sql
        log = open_log(settings)
        stack.push_async_callback(log.close)
        auditing = Auditing(log, settings.audit.required)
        yield Opened(lambda asker: StoredAnswers(store, asker), sql, auditing, put, store, ledger)


class SharedAnalytics(Analytics):
    """One refresh of a tenant at a time, which all wait for; it goes on when those who asked have given up."""

    def __init__(self, store: VectorStore, ledger: UsageLedger, settings: AnalyticsSettings) -> None:
        super().__init__(store, ledger, settings)
        self._under_way: dict[str, asyncio.Task[Refreshed]] = {}

    async def refresh(self, tenant_id: str) -> Refreshed:
        """As ``Analytics`` has it."""
        task = self._under_way.get(tenant_id)
        if task is None or task.done():
            task = self._under_way[tenant_id] = asyncio.create_task(super().refresh(tenant_id))
        return await asyncio.shield(task)

    async def stop(self) -> None:
        """Give up what is under way; the files stay as they were."""
        tasks = tuple(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _put(settings: Settings, store: VectorStore, meter: Meter) -> AsyncIterator[Put]:
    from pipeline.extract.registry import open_chat
    from pipeline.scenarios.opened import load_library

    chat, library = open_chat(settings, meter), load_library(settings)

    async def put(asker: Asker, text: str, language: str | None) -> Meant:
        scenario = library(settings.extract.scenario, asker.tenant_id)
        asking = StoredAnswers(store, asker).asking()
        return (await worded(chat, scenario, asking, text, language=language)).question

    try:
        yield put
    finally:
        await chat.close()
