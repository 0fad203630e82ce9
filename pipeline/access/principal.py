"""Who is asking, once they have proved it: of which tenant, with which scopes, and what they may see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from pipeline.questions.asker import Asker

Role = Literal["publish", "agent", "supervisor", "analyst", "admin"]
"""What a scope lets somebody be; a scope of an agent says which, as ``agent:ann``."""
Scope = Annotated[str, Field(pattern=r"^(publish|supervisor|analyst|admin|agent:\S[^\x00-\x1f\x7f]{0,199})$")]

READERS: Final[frozenset[Role]] = frozenset({"agent", "supervisor", "analyst", "admin"})
"""Who may ask questions; an agent sees the calls of that agent alone."""
ANALYSTS: Final[frozenset[Role]] = frozenset({"analyst", "admin"})
"""Who may take many calls at once."""
_SEE_ALL: Final = READERS - {"agent"}
_AGENT: Final = "agent:"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody of one tenant; ``id`` names what proved it, as the id of a key, and may stand in a log.

    ``expires_at`` is until when that holds; None where it has no end.
    """

    id: str
    tenant_id: str
    scopes: frozenset[str]
    name: str = ""
    expires_at: datetime | None = None

    @property
    def roles(self) -> frozenset[str]:
        """The scopes, without which agent it is."""
        return frozenset(scope.partition(":")[0] for scope in self.scopes)

    @property
    def agent(self) -> str | None:
        """Whose calls are their own, by a scope; who may see others', too, still answers in these."""
        return next((scope.removeprefix(_AGENT) for scope in sorted(self.scopes) if scope.startswith(_AGENT)), None)

    @property
    def asker(self) -> Asker | None:
        """As whom they ask, by the widest of their scopes; None where none of them lets anybody ask."""
        if self.roles & _SEE_ALL:
            return Asker(self.tenant_id)
        return None if self.agent is None else Asker(self.tenant_id, self.agent)
