"""Which calls are to be forgotten, as stages, replays and exports ask before they touch one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256

from schemas.wire import CallFacts

Told = Callable[[str, str], None]
"""Is told of a call that is new: its tenant and its id."""


def customer_digest(tenant_id: str, customer_id: str) -> str:
    """What a customer is remembered by when even the id is to be forgotten: SHA-256, in hex."""
    return sha256(f"{tenant_id}\x1f{customer_id}".encode()).hexdigest()


class Erased:
    """The calls that were erased, by tenant; what was erased once stays so.

    Of a customer who was erased, calls that began before that may still come: they are known by their own facts.

    Args:
        told: of each call that is new.
    """

    def __init__(self, told: Told = lambda _tenant, _call: None) -> None:
        self._since: dict[tuple[str, str], datetime] = {}
        self._customers: dict[str, datetime] = {}
        self.told = told

    def add(self, tenant_id: str, call_id: str, at: datetime) -> bool:
        """Note a call, asked for at ``at``; whether that is new."""
        if (tenant_id, call_id) in self._since:
            return False
        self._since[tenant_id, call_id] = at
        self.told(tenant_id, call_id)
        return True

    def add_customer(self, digest: str, at: datetime) -> None:
        """Note a customer (``customer_digest``): the calls that began before ``at`` are to be forgotten."""
        self._customers[digest] = max(at, self._customers.get(digest, at))

    def holds(self, tenant_id: str | None, call_id: str | None) -> bool:
        """Whether nothing of this call may be handled, written or shown any more."""
        return (tenant_id, call_id) in self._since

    def covers(self, tenant_id: str, call_id: str, facts: CallFacts, at: datetime) -> bool:
        """Whether this call is erased, be it as one of a customer; ``at`` is when it began where its facts say not.

        A call that is found so is noted, so that its events without facts are known, too.
        """
        if self._customers and facts.customer_id is not None:
            since = self._customers.get(customer_digest(tenant_id, facts.customer_id))
            if since is not None and (facts.started_at or at) < since:
                self.add(tenant_id, call_id, since)
        return self.holds(tenant_id, call_id)

    def since(self, tenant_id: str, call_id: str) -> datetime | None:
        """When it was first asked to forget this call; None where it was not."""
        return self._since.get((tenant_id, call_id))

    def of(self, tenant_id: str) -> Iterator[str]:
        """The ids of a tenant's erased calls."""
        return (call for tenant, call in self._since if tenant == tenant_id)

    def __len__(self) -> int:
        return len(self._since)

    def __bool__(self) -> bool:
        return bool(self._since or self._customers)
