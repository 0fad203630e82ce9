"""Who asks: every answer is made of what they may see, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.ports import Where
from pipeline.store.filters import both, of_tenant


@dataclass(frozen=True, slots=True)
class Asker:
    """A tenant's own people; with ``agent``, one who sees the calls of that agent alone."""

    tenant_id: str
    agent: str | None = None

    @property
    def scope(self) -> Where:
        """What they may see."""
        tenant = of_tenant(self.tenant_id)
        return tenant if self.agent is None else both(tenant, Where(equal={"agent": self.agent}))
