"""The port behind which the audit log is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipeline.audit.entry import Entry
from pipeline.store.marks import Mark


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of a tenant are read: those to which all applies that is given; ``since`` is the earliest time."""

    tenant_id: str
    who: str | None = None
    call: str | None = None
    customer: str | None = None
    action: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Entries, the newest first, and the mark to go on from; None at the end."""

    items: tuple[Entry, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Old:
    """How many entries are old, and of when the oldest is; None where none is."""

    count: int
    oldest: datetime | None = None


def page_of(found: Sequence[Entry], limit: int, mark: Mark) -> EntryPage:
    """A page, of one entry more than it may have where there are more; ``mark`` is the one that it was asked with."""
    shown = tuple(found[:limit])
    if len(found) <= limit:
        return EntryPage(shown)
    last = shown[-1].at_ms
    alike = tuple(entry.entry_id for entry in shown if entry.at_ms == last)
    seen = (*mark.seen, *alike) if mark.value == last else alike
    return EntryPage(shown, Mark(float(last), seen).text())


class AuditLog(Protocol):
    """Keeps entries for some days; nothing changes an entry.

    Raises:
        Retryable: what keeps them is away or cannot be written.
        Config: its address or its key is wrong.
    """

    async def record(self, entry: Entry) -> None:
        """Keep it; returns when it will survive a kill."""

    async def read(self, wanted: Wanted, *, limit: int = 100, after: str | None = None) -> EntryPage:
        """A page of so many entries at most, from a mark on; what is recorded meanwhile shifts no page.

        Raises:
            NoMark: ``after`` is none.
        """

    async def tenants(self) -> tuple[str, ...]:
        """Those that have entries, in order of their names."""

    async def before(self, tenant_id: str, at: datetime) -> Old:
        """What there is of before this time."""

    async def remove(self, tenant_id: str, before: datetime) -> int:
        """Delete what is of before this time; says how many entries that were."""

    async def close(self) -> None: ...
