"""Which calls are to be forgotten, as stages, replays and exports ask before they touch one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime


class Erased:
    """The calls that were erased, by tenant; what was erased once stays so."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, str], datetime] = {}

    def add(self, tenant_id: str, call_id: str, at: datetime) -> bool:
        """Note a call, asked for at ``at``; whether that is new."""
        if (tenant_id, call_id) in self._since:
            return False
        self._since[tenant_id, call_id] = at
        return True

    def holds(self, tenant_id: str | None, call_id: str | None) -> bool:
        """Whether nothing of this call may be handled, written or shown any more."""
        return (tenant_id, call_id) in self._since

    def of(self, tenant_id: str) -> Iterator[str]:
        """The ids of a tenant's erased calls."""
        return (call for tenant, call in self._since if tenant == tenant_id)

    def __len__(self) -> int:
        return len(self._since)
