"""The pages of scenarios in the store, brought up to date in the background when a scenario changes."""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

import structlog

from pipeline.errors import ConvmineError
from pipeline.knowledge.scenario_pages import drop_knowledge, load_knowledge
from pipeline.ports import VectorStore
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from workers.changes import Changes

RETRY_S: Final = 15.0
"""Seconds until what could not be loaded is tried again."""

log = structlog.get_logger()


class Knowledge:
    """Notes which scenarios of which tenants have changed, from when it is made, and loads their pages.

    Args:
        library: where scenarios come from; it says when one changes.
        retry_s: seconds between two attempts.
    """

    def __init__(self, library: Library, *, retry_s: float = RETRY_S) -> None:
        self._library = library
        self._retry_s = retry_s
        self._due: dict[tuple[str, str], None] = {}
        self._changes = Changes()
        library.tell(self._changed)

    async def load_all(self, store: VectorStore, tenant_id: str) -> None:
        """Load the pages of every scenario of a tenant.

        Raises:
            Retryable: the store is away.
        """
        for name in self._library.names(tenant_id):
            await load_knowledge(store, self._library(name, tenant_id), tenant_id)
            self._due.pop((tenant_id, name), None)

    async def keep(self, store: VectorStore) -> NoReturn:
        """For ever: load the pages of what has changed; what fails is told and tried again."""
        while True:
            await self._changes.wait_until(lambda: bool(self._due))
            for tenant_id, name in tuple(self._due):
                await self._load(store, tenant_id, name)
            if self._due:
                await asyncio.sleep(self._retry_s)

    async def _load(self, store: VectorStore, tenant_id: str, name: str) -> None:
        self._due.pop((tenant_id, name), None)
        try:
            await self._bring(store, tenant_id, name)
        except Exception as error:  # noqa: BLE001 - whatever it is, the stage goes on with the pages that it has
            reason = error.message if isinstance(error, ConvmineError) else repr(error)
            log.warning("knowledge is not loaded: tried again", scenario=name, tenant=tenant_id, reason=reason)
            self._changed(tenant_id, name)

    async def _bring(self, store: VectorStore, tenant_id: str, name: str) -> None:
        try:
            scenario = self._library(name, tenant_id)
        except ScenarioError:
            await drop_knowledge(store, name, tenant_id)
            log.info("knowledge taken out", scenario=name, tenant=tenant_id)
            return
        passages = await load_knowledge(store, scenario, tenant_id)
        log.info("knowledge loaded", scenario=name, tenant=tenant_id, passages=passages)

    def _changed(self, tenant_id: str, name: str) -> None:
        self._due[tenant_id, name] = None
        self._changes.notify()
