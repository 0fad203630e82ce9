"""From settings to handlers: which engine, extractor and store each stage works with.

What stages share (the store, loaded scenarios) is made once; everything is closed when the assembly is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from pipeline.handling import Handler
from pipeline.ports import VectorStore
from pipeline.privacy.entry import guarded
from pipeline.privacy.masking import mask
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Scenario
from pipeline.settings import Settings
from pipeline.stages import Stage
from workers.snapshots import GraphSnapshots


class Assembly:
    """Builds the handlers of one process."""

    def __init__(self, settings: Settings, graphs: GraphSnapshots) -> None:
        self._settings = settings
        self._graphs = graphs
        self._stack = AsyncExitStack()
        self._store: VectorStore | None = None
        self._scenarios: Callable[[str], Scenario] = shipped

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def handler(self, stage: Stage) -> Handler:
        """The handler of a stage.

        Raises:
            Config: a setting that this stage needs is missing or wrong.
            Retryable: the store is away.
        """
        builders = {
            "asr": self._asr,
            "extract": self._extract,
            "flow": self._flow,
            "graph": self._graph,
            "suggest": self._suggest,
            "index": self._index,
        }
        return await builders[stage.name]()

    async def store(self) -> VectorStore:
        """The store that the stages of this process share, prepared."""
        if self._store is None:
            from pipeline.store.open import store_of

            self._store = await self._stack.enter_async_context(store_of(self._settings))
        return self._store

    async def _asr(self) -> Handler:
        from pipeline.asr import stage
        from pipeline.asr.fetch import build_store
        from pipeline.asr.registry import build_engine

        engine = await asyncio.to_thread(build_engine, self._settings.asr)
        self._stack.push_async_callback(engine.close)
        return stage.build(
            engine=engine,
            store=build_store(self._settings.audio),
            settings=self._settings.audio,
            now=lambda: datetime.now(UTC),
            mask=mask,
            default_scenario=self._settings.extract.scenario,
        )

    async def _extract(self) -> Handler:
        from pipeline.extract import stage
        from pipeline.extract.registry import build_extractor

        extractor = await asyncio.to_thread(build_extractor, self._settings, self._scenarios)
        self._stack.push_async_callback(extractor.close)
        return guarded(
            stage.build(
                extractor=extractor, scenarios=self._scenarios, default_scenario=self._settings.extract.scenario
            )
        )

    async def _flow(self) -> Handler:
        from pipeline.flow import stage

        return stage.build()

    async def _graph(self) -> Handler:
        from pipeline.flow import graph_stage

        return graph_stage.build(snapshots=self._graphs)

    async def _suggest(self) -> Handler:
        from pipeline.suggest import stage

        return stage.build(scenarios=self._scenarios, store=await self.store())

    async def _index(self) -> Handler:
        from pipeline.store import stage
        from pipeline.suggest.knowledge import load_knowledge

        store = await self.store()
        scenario = self._scenarios(self._settings.extract.scenario)
        await load_knowledge(store, scenario, self._settings.tenant)
        return guarded(stage.build(store=store))
