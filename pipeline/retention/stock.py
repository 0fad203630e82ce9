"""What is kept of one kind, as rules are applied to it; and what is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class Due:
    """How many things are older than they may be, and of when the oldest is.

    ``count`` is None where they are only counted as they go, ``oldest`` None where there is none, or it is not known.
    """

    count: int | None
    oldest: datetime | None = None


NOTHING: Final = Due(0)


class Stock(Protocol):
    """Things of one kind; removing them again does no harm, and one that is stopped is gone on with.

    Raises:
        Retryable: where they are kept is away.
        Config: its address or its key is wrong.
    """

    async def due(self, tenant_id: str, before: datetime) -> Due:
        """What is of before this time."""

    async def remove(self, tenant_id: str, before: datetime) -> int:
        """Remove it, by batches; how many things that were."""


class Empty:
    """A ``Stock`` of which nothing is kept here."""

    async def due(self, tenant_id: str, before: datetime) -> Due:
        del tenant_id, before
        return NOTHING

    async def remove(self, tenant_id: str, before: datetime) -> int:
        del tenant_id, before
        return 0
