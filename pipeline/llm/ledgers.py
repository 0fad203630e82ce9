"""The ledgers by name; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from pipeline.llm.usage import Purpose, Usage, UsageLedger
from pipeline.settings import Settings


def open_ledger(settings: Settings) -> UsageLedger:
    """The ledger that the settings name; it touches nothing before its first use.

    Raises:
        Config: a ledger on a server is set, but no server.
    """
    return LEDGERS[settings.budget.ledger](settings)


class NoLedger:
    """A ``UsageLedger`` that keeps nothing."""

    async def add(self, used: Mapping[Purpose, Usage]) -> None:
        """Nothing is kept."""

    async def read(self, tenant_id: str, since: date) -> Mapping[Purpose, Usage]:
        del tenant_id, since
        return {}

    async def remove(self, tenant_id: str, before: date) -> None:
        """Nothing is kept."""

    async def close(self) -> None:
        """Nothing is held open."""


def _sqlite(settings: Settings) -> UsageLedger:
    from pipeline.llm.ledger_sqlite import SqliteLedger

    return SqliteLedger(settings.budget.ledger_path, days=settings.budget.ledger_days)


def _qdrant(settings: Settings) -> UsageLedger:
    from pipeline.llm.ledger_qdrant import QdrantLedger
    from pipeline.store.bare_collection import server_for

    server = server_for("CONVMINE_BUDGET_LEDGER", settings.store)
    return QdrantLedger(server, prefix=settings.store.prefix, days=settings.budget.ledger_days)


def _off(settings: Settings) -> UsageLedger:
    del settings
    return NoLedger()


LEDGERS: Final[Mapping[str, Callable[[Settings], UsageLedger]]] = {"sqlite": _sqlite, "qdrant": _qdrant, "off": _off}
