"""The stocks of an installation, as its settings name them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.audit.logs import open_log
from pipeline.blobs.opened import open_blobs
from pipeline.erasure.opened import places_of, stored_calls
from pipeline.erasure.places import Place, erase
from pipeline.errors import Retryable
from pipeline.export.rewriting import forget
from pipeline.llm.caches import open_cache
from pipeline.llm.ledgers import open_ledger
from pipeline.privacy.vault import Subject
from pipeline.privacy.vault_sqlite import vault_of
from pipeline.retention.applying import Stocks
from pipeline.retention.beside import AuditStock, CopyStock, ExpiringStock, LabelStock, UsageStock
from pipeline.retention.kinds import IN_ORDER, KindName
from pipeline.retention.points import Also, Points, stored_tenants
from pipeline.retention.stock import Empty, Stock
from pipeline.settings import Settings
from pipeline.store.collections import CALLS, INTENTS, RESULTS, SUGGESTIONS, UTTERANCES
from pipeline.store.connections import Connection
from pipeline.store.open import connection_of
from pipeline.workbench.places import open_workbench

WHO = "retention"
"""As whom the vault records that something was erased."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What is kept, and of which tenants."""

    stocks: Stocks
    tenants: frozenset[str]


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Opened]:
    """All stocks, closed at the end; files that are not there are not made.

    Raises:
        Retryable: the store is away, or another process has its folder open.
        Config: a setting is wrong.
    """
    async with AsyncExitStack() as stack:
        connection = connection_of(settings.store)
        stack.push_async_callback(connection.close)
        here = {**await _of_calls(settings, connection, stack), **_beside(settings, stack)}
        tenants = await stored_tenants(connection, settings.store.prefix) | {settings.tenant}
        if isinstance(audit := here.get("audit"), AuditStock):
            tenants |= frozenset(await audit.log.tenants())
        yield Opened({kind: here.get(kind, Empty()) for kind in IN_ORDER}, tenants)


async def _of_calls(settings: Settings, connection: Connection, stack: AsyncExitStack) -> Stocks:
    elsewhere = await stack.enter_async_context(places_of(settings, None, WHO))
    vault = vault_of(settings.privacy)
    if vault is not None:
        stack.push_async_callback(vault.close)

    async def from_copy(tenant_id: str, calls: Sequence[str]) -> None:
        if settings.analytics.path.exists():
            await forget(settings.analytics.path, tenant_id, calls)

    async def from_vault(tenant_id: str, calls: Sequence[str]) -> None:
        if vault is not None and settings.privacy.vault_path.exists():
            for call in calls:
                await vault.erase(f"{tenant_id}:{call}", who=WHO)
        await from_copy(tenant_id, calls)

    async def from_everywhere(tenant_id: str, calls: Sequence[str]) -> None:
        await from_copy(tenant_id, calls)  # at once, as files are written anew for it
        await _cleared(elsewhere, [Subject(tenant_id, call) for call in calls])

    def points(collection: str, also: Also, whole: tuple[str, ...] = ()) -> Points:
        settle = stored_calls(connection, settings.store).write_anew
        return Points(connection, settings.store.prefix, collection, whole, also, settle)

    return {
        "transcripts": points(UTTERANCES, from_vault),
        "intents": points(INTENTS, from_copy),
        "suggestions": points(SUGGESTIONS, from_copy),
        "calls": points(CALLS, from_everywhere, (RESULTS, SUGGESTIONS, INTENTS, UTTERANCES)),
    }


async def _cleared(places: Sequence[Place], subjects: Sequence[Subject]) -> None:
    """Remove these calls from all places.

    Raises:
        Retryable: one cannot be reached; their points stay, so that the next time knows of them.
    """
    cleared = await erase(places, subjects)
    for one in cleared.not_reached:
        raise Retryable(f"{one.place} keeps something of old calls: {one.why}", dependency="retention", hint=one.hint)


def _beside(settings: Settings, stack: AsyncExitStack) -> Stocks:
    llm, budget, workbench = settings.llm, settings.budget, settings.workbench
    found: dict[KindName, Stock] = {"exports": CopyStock(settings.analytics.path)}
    if settings.claims.root.exists():
        found["claims"] = ExpiringStock(open_blobs(settings.claims))
    if _is_there(llm.cache, llm.cache_path):
        cache = open_cache(settings)
        stack.push_async_callback(cache.close)
        found["cache"] = ExpiringStock(cache)
    if _is_there(workbench.place, workbench.path):
        labels = open_workbench(settings)
        stack.push_async_callback(labels.close)
        found["labels"] = LabelStock(labels)
    if _is_there(budget.ledger, budget.ledger_path):
        ledger = open_ledger(settings)
        stack.push_async_callback(ledger.close)
        found["usage"] = UsageStock(ledger)
    if _is_there(settings.audit.place, settings.audit.path):
        log = open_log(settings)
        stack.push_async_callback(log.close)
        found["audit"] = AuditStock(log)
    return found


def _is_there(place: str, file: Path) -> bool:
    """Whether something may be kept: on a server, or in a file that is there."""
    return place == "qdrant" or (place == "sqlite" and file.exists())
