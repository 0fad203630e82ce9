"""What is kept beside the calls, each by the port that keeps it: who asked what, labels, usage, answers, copies."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, Protocol

from pipeline.audit.log import AuditLog
from pipeline.export.exclusive import exclusive
from pipeline.export.manifest import TenantFolder
from pipeline.llm.usage import UsageLedger
from pipeline.retention.stock import Due
from pipeline.workbench.place import Workbench

_LOCK_WAIT_S: Final = 60.0
_NOT_COUNTED: Final = Due(None)


@dataclass(frozen=True, slots=True)
class AuditStock:
    """Entries of the audit log."""

    log: AuditLog

    async def due(self, tenant_id: str, before: datetime) -> Due:
        old = await self.log.before(tenant_id, before)
        return Due(old.count, old.oldest)

    async def remove(self, tenant_id: str, before: datetime) -> int:
        return await self.log.remove(tenant_id, before)


@dataclass(frozen=True, slots=True)
class LabelStock:
    """What people have said of items; what they paid for to judge goes with its call."""

    workbench: Workbench

    async def due(self, tenant_id: str, before: datetime) -> Due:
        old = [label.at for label in await self.workbench.labels(tenant_id) if label.at < before]
        return Due(len(old), min(old, default=None))

    async def remove(self, tenant_id: str, before: datetime) -> int:
        old = [label for label in await self.workbench.labels(tenant_id) if label.at < before]
        return await self.workbench.take_back(old)


@dataclass(frozen=True, slots=True)
class UsageStock:
    """Sums of a day, each of one purpose."""

    ledger: UsageLedger

    async def due(self, tenant_id: str, before: datetime) -> Due:
        used = await self.ledger.read(tenant_id, date.min)
        old = [purpose.day for purpose in used if purpose.day < before.date()]
        first = min(old, default=None)
        return Due(len(old), None if first is None else datetime(first.year, first.month, first.day, tzinfo=UTC))

    async def remove(self, tenant_id: str, before: datetime) -> int:
        count = (await self.due(tenant_id, before)).count or 0
        if count:
            await self.ledger.remove(tenant_id, before.date())
        return count


class Expiring(Protocol):
    """What can delete what is older than so many seconds: a ``ResponseCache``, a ``BlobStore``."""

    async def expire(self, older_than_s: float) -> int: ...


@dataclass(frozen=True, slots=True)
class ExpiringStock:
    """What lies in one place for all tenants, and is counted as it goes."""

    place: Expiring
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def due(self, tenant_id: str, before: datetime) -> Due:
        del tenant_id, before
        return _NOT_COUNTED

    async def remove(self, tenant_id: str, before: datetime) -> int:
        del tenant_id
        return await self.place.expire((self.now() - before).total_seconds())


@dataclass(frozen=True, slots=True)
class CopyStock:
    """The folder of a tenant's Parquet files: a copy that the next question makes anew."""

    path: Path

    async def due(self, tenant_id: str, before: datetime) -> Due:
        at = await asyncio.to_thread(self._brought_up_to_date, tenant_id)
        return Due(0) if at is None or at >= before else Due(1, at)

    async def remove(self, tenant_id: str, before: datetime) -> int:
        folder = TenantFolder(self.path, tenant_id)
        if not (await self.due(tenant_id, before)).count:
            return 0
        async with exclusive(folder.lock, wait_s=_LOCK_WAIT_S):
            if not (await self.due(tenant_id, before)).count:  # somebody asked meanwhile
                return 0
            await asyncio.to_thread(shutil.rmtree, folder.path)
        return 1

    def _brought_up_to_date(self, tenant_id: str) -> datetime | None:
        folder = TenantFolder(self.path, tenant_id).path
        files = [*folder.glob("*.json"), folder] if folder.is_dir() else []
        return datetime.fromtimestamp(files[0].stat().st_mtime, UTC) if files else None
