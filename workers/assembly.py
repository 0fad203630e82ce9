"""From settings to handlers: which engine, extractor and store each stage works with.

What stages share (the store, loaded scenarios) is made once; everything is closed when the assembly is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from pipeline.extract.findings import IntentExtractor
from pipeline.flow.guidance import Guide
from pipeline.handling import Handler, Remembering
from pipeline.ports import AsrEngine, CustomerContext, Diariser, Meter, ResponseCache, VectorStore
from pipeline.privacy.entry import guarded
from pipeline.privacy.keeping import KeptLive, kept_in, mask_and_note
from pipeline.privacy.open_numbers import is_open
from pipeline.privacy.sealing import seal_of
from pipeline.privacy.vault import Vault
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.settings import Settings
from pipeline.stages import Stage
from pipeline.store.connections import Connection
from pipeline.store.traced import traced
from schemas.wire import Lane
from workers.knowledge import Knowledge
from workers.snapshots import GraphSnapshots

if TYPE_CHECKING:
    from pipeline.store.lately import Lately
    from pipeline.suggest.phrasing import Phrase

AnyHandler = Handler | Remembering[Any]
_BATCHED: Final = frozenset({"whisper", "faster-whisper"})
"""The engines that decode several stretches of speech in one pass."""


class Assembly:
    """Builds the handlers of one process.

    Args:
        settings: which engine, extractor and store.
        graphs: the graphs as they were last published.
        library: the scenarios; what changes in it holds for the calls that come.
        meter: where the domain's figures go.
        guide: what live calls are guided by, if they are.
    """

    def __init__(
        self,
        settings: Settings,
        graphs: GraphSnapshots,
        library: Library,
        meter: Meter | None = None,
        *,
        guide: Guide | None = None,
    ) -> None:
        self._settings = settings
        self._meter = meter
        self._graphs = graphs
        self._guide = guide
        self._stack = AsyncExitStack()
        self._store: VectorStore | None = None
        self._connection: Connection | None = None
        self._loaded_engine: AsrEngine | None = None
        self._loaded_extractor: IntentExtractor | None = None
        self._open_vault: Vault | None = None
        self._library = library
        self._knowledge = Knowledge(library)
        self._keeping: asyncio.Task[None] | None = None
        self._words = lru_cache(maxsize=64)(self._words_of)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def handler(self, stage: Stage) -> AnyHandler:
        """The handler of a stage.

        Raises:
            Config: a setting that this stage needs is missing or wrong.
            Retryable: the store is away.
        """
        builders: Mapping[tuple[str, Lane], Callable[[], Awaitable[AnyHandler]]] = {
            ("asr", Lane.BATCH): self._asr,
            ("extract", Lane.BATCH): self._extract,
            ("flow", Lane.BATCH): self._flow,
            ("graph", Lane.BATCH): self._graph,
            ("suggest", Lane.BATCH): self._suggest,
            ("index", Lane.BATCH): self._index,
            ("asr", Lane.LIVE): self._asr_live,
            ("extract", Lane.LIVE): self._extract_live,
            ("flow", Lane.LIVE): self._flow_live,
            ("suggest", Lane.LIVE): self._suggest_live,
            ("index", Lane.LIVE): self._index_live,
            ("compliance", Lane.LIVE): self._compliance,
            ("recap", Lane.LIVE): self._recap,
            ("webhook", Lane.BATCH): self._webhook,
        }
        return await builders[stage.name, stage.lane]()

    async def store(self) -> VectorStore:
        """The store that the stages of this process share, prepared."""
        if self._store is None:
            from pipeline.store.open import store_of

            self._store = await self._stack.enter_async_context(store_of(self._settings, self.connection()))
        return self._store

    def connection(self) -> Connection:
        """How this process reaches Qdrant: one connection, which is closed with the assembly."""
        if self._connection is None:
            from pipeline.store.open import connection_of

            self._connection = connection_of(self._settings.store)
            self._stack.push_async_callback(self._connection.close)
        return self._connection

    @property
    def has_store(self) -> bool:
        """Whether this process may touch the store: one alone has a folder open, that whose stages need it."""
        return self._settings.store.url is not None or self._store is not None

    async def _engine(self) -> AsrEngine:
        """The engine that both lanes of this process share."""
        if self._loaded_engine is None:
            from pipeline.asr.registry import build_engine

            asr = self._settings.asr
            engine = await asyncio.to_thread(build_engine, asr)
            if asr.engine in _BATCHED:
                from pipeline.asr.batcher import Batching

                engine = Batching(engine, size=asr.batch, wait_ms=asr.batch_wait_ms)
            self._loaded_engine = engine
            self._stack.push_async_callback(engine.close)
        return self._loaded_engine

    async def _extractor(self) -> IntentExtractor:
        """The extractor that both lanes of this process share."""
        if self._loaded_extractor is None:
            from pipeline.extract.registry import build_extractor

            self._loaded_extractor = await asyncio.to_thread(
                build_extractor, self._settings, self._library, self._meter
            )
            self._stack.push_async_callback(self._loaded_extractor.close)
        return self._loaded_extractor

    async def _asr(self) -> AnyHandler:
        from pipeline.asr import stage
        from pipeline.asr.fetch import build_store
        from pipeline.asr.transcribe import PORTION_SPANS

        handler = stage.build(
            engine=await self._engine(),
            store=build_store(self._settings.audio),
            settings=self._settings.audio,
            now=lambda: datetime.now(UTC),
            mask=mask_and_note,
            default_scenario=self._settings.extract.scenario,
            aids=stage.Aids(
                vocabulary=self._vocabulary,
                diariser=self._diariser(),
                cache=self._asr_cache(),
                keep_from_s=self._settings.asr.keep_from_s,
                portion_spans=max(PORTION_SPANS, 2 * self._settings.asr.batch),
                seal=seal_of(self._settings.privacy),
            ),
        )
        vault = self._vault()
        return handler if vault is None else kept_in(vault, handler)

    def _vocabulary(self, scenario: str | None, language: str | None) -> tuple[str, ...]:
        """The words that are likely in the calls of a scenario; none where it is not known, as `extract` will say."""
        return self._words(scenario, language, self._library.revision)

    def _words_of(self, scenario: str | None, language: str | None, _revision: int) -> tuple[str, ...]:
        from pipeline.asr.vocabulary import vocabulary_of

        try:
            return vocabulary_of(self._library(scenario, self._settings.tenant), language) if scenario else ()
        except ScenarioError:
            return ()

    def _diariser(self) -> Diariser | None:
        from pipeline.asr.diarise import build_diariser

        if (diariser := build_diariser(self._settings.asr)) is not None:
            self._stack.push_async_callback(diariser.close)
        return diariser

    def _asr_cache(self) -> ResponseCache:
        """Where the asr stage keeps what it has heard already."""
        from pipeline.llm.caches import open_cache

        cache = open_cache(self._settings, self._meter, "speech")
        self._stack.push_async_callback(cache.close)
        return cache

    async def _asr_live(self) -> AnyHandler:
        from pipeline.asr import live

        handler = live.build(
            engine=await self._engine(),
            settings=self._settings.audio,
            mask=mask_and_note,
            is_open=is_open,
            hold_ms=self._settings.privacy.hold_ms,
            vocabulary=self._vocabulary,
            default_scenario=self._settings.extract.scenario,
            meter=self._meter,
        )
        vault = self._vault()
        return handler if vault is None else KeptLive(vault, handler)

    def _vault(self) -> Vault | None:
        """Where what the asr stages mask is kept, if it is to be."""
        from pipeline.privacy.vault_sqlite import vault_of

        if self._open_vault is None and (vault := vault_of(self._settings.privacy)) is not None:
            self._open_vault = vault
            self._stack.push_async_callback(vault.close)
        return self._open_vault

    async def _extract(self) -> AnyHandler:
        from pipeline.extract import stage

        return guarded(
            stage.build(
                extractor=await self._extractor(),
                scenarios=self._library,
                default_scenario=self._settings.extract.scenario,
            )
        )

    async def _extract_live(self) -> AnyHandler:
        from pipeline.extract import live

        each_by_itself = self._settings.extract.extractor == "lexical"
        every_s = self._settings.extract.live_every_s
        return live.build(
            extractor=await self._extractor(),
            scenarios=self._library,
            default_scenario=self._settings.extract.scenario,
            context_turns=0 if each_by_itself else live.CONTEXT_TURNS,
            every_s=(0.0 if each_by_itself else live.EVERY_S) if every_s is None else every_s,
        )

    async def _flow(self) -> AnyHandler:
        from pipeline.flow import stage

        return stage.build()

    async def _flow_live(self) -> AnyHandler:
        from pipeline.flow import live

        return live.build(self._guide)

    async def _graph(self) -> AnyHandler:
        from pipeline.flow import graph_stage

        flow = self._settings.flow
        return graph_stage.build(
            snapshots=self._graphs, half_life_days=flow.half_life_days, version_every_s=flow.version_every_s
        )

    async def _suggest(self) -> AnyHandler:
        from pipeline.suggest import stage

        records = self._library.card_records
        store = traced(await self.store(), self._settings.tracing)
        return stage.build(scenarios=self._library, store=store, records=records, meter=self._meter)

    async def _suggest_live(self) -> AnyHandler:
        from pipeline.suggest import live
        from pipeline.suggest.policy import Bounds

        suggest = self._settings.suggest
        return live.build(
            scenarios=self._library,
            store=traced(await self.store(), self._settings.tracing),
            records=self._library.card_records,
            bounds=Bounds(timedelta(seconds=suggest.apart_s), suggest.most),
            explore=suggest.explore,
            knowledge=suggest.knowledge,
            phrase=self._phrase(),
            meter=self._meter,
            clock=lambda: datetime.now(UTC),
        )

    def _phrase(self) -> Phrase | None:
        """The language model that words suggestions, if one is to."""
        if self._settings.suggest.phrasing == "off":
            return None
        from pipeline.extract.registry import open_chat
        from pipeline.figures import NoMeter
        from pipeline.suggest.phrasing import PhrasedByModel

        meter = self._meter or NoMeter()
        phrase = PhrasedByModel(
            open_chat(self._settings, meter), timeout_s=self._settings.suggest.phrasing_timeout_s, meter=meter
        )
        self._stack.push_async_callback(phrase.close)
        return phrase

    async def _index(self) -> AnyHandler:
        from pipeline.store.lately import Lately

        return await self._indexing(Lately())

    async def _index_live(self) -> AnyHandler:
        from pipeline.store.lately import Lately
        from pipeline.store.steps import InSteps

        lately, settings = Lately(), self._settings
        handler = await self._indexing(lately)
        return InSteps(handler, lately, wait_s=settings.store.gather_s, most=settings.runtime.in_flight)

    async def _indexing(self, lately: Lately) -> Handler:
        from pipeline.store import stage
        from pipeline.store.card_statistics import counting
        from pipeline.store.coalesced import Coalescing

        store = await self.store()
        if self._keeping is None:  # one for both lanes
            await self._knowledge.load_all(store, self._settings.tenant)
            self._keeping = asyncio.create_task(self._knowledge.keep(store))
            self._stack.push_async_callback(_ended, self._keeping)
        together = traced(Coalescing(store), self._settings.tracing)
        handler = counting(stage.build(store=together, lately=lately), together)
        if (rules := self._settings.retention.rules) is not None:
            from pipeline.retention.obeying import unexpired
            from pipeline.retention.rules import read_rules

            handler = unexpired(read_rules(rules), handler)
        return guarded(handler)

    async def _compliance(self) -> AnyHandler:
        from pipeline.compliance import stage

        default = self._settings.extract.scenario
        return stage.build(scenarios=self._library, default_scenario=default)

    async def _recap(self) -> AnyHandler:
        from pipeline.recap import stage

        store = traced(await self.store(), self._settings.tracing)
        return stage.build(store=store, customers=self._customers(), meter=self._meter)

    def _customers(self) -> CustomerContext | None:
        """Who is asked about customers, if anybody is."""
        from pipeline.recap.customers_http import customers_of

        if (customers := customers_of(self._settings.customers)) is not None:
            self._stack.push_async_callback(customers.close)
        return customers

    async def _webhook(self) -> AnyHandler:
        from pipeline.webhooks import stage

        handler = stage.build(self._settings.webhooks, self._meter)
        self._stack.push_async_callback(handler.close)
        return handler


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
