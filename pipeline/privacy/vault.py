"""The vault: what was masked, kept sealed under a token for those who may see it, until it is erased."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.privacy.placeholders import Found, Placeholder


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose data it is: a call of a tenant."""

    tenant_id: str
    call_id: str

    def __str__(self) -> str:
        """As erasures name it: ``tenant:call``."""
        return f"{self.tenant_id}:{self.call_id}"


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing that was masked, as the vault gives it back.

    ``place`` is where its placeholder began in the masked text of the segment when it was masked.
    """

    token: str
    subject: Subject
    segment_id: str
    kind: str
    place: int
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody looked, or had something erased: when (seconds since 1970), who, what, of whom, and how many things."""

    at_s: float
    who: str
    what: str
    subject: str
    count: int


class Vault(Protocol):
    """Keeps what was masked, but never a card verification code.

    Raises:
        Retryable: the place where it is kept is away.
        Config: the key does not open what is kept.
    """

    async def keep(self, subject: Subject, found: Sequence[Found]) -> tuple[str, ...]:
        """Keep what has a value and is no code; gives one token each, the same for the same thing kept again."""

    async def reveal(self, what: str, *, tenant_id: str, who: str) -> tuple[Kept, ...]:
        """What is kept of one tenant under a token, or of a call by its id; empty for neither.

        It is recorded that ``who`` looked, before anything is given.
        """

    async def erase(self, subject: str, *, who: str) -> int:
        """Delete all of a subject (``tenant:call``) beyond recovery; how many things that were."""

    async def accesses(self, tenant_id: str) -> tuple[Access, ...]:
        """Who looked at what is kept of a tenant, and who had something of it erased, the first first."""

    async def close(self) -> None: ...


def token_of(subject: Subject, found: Found) -> str:
    """A name of 32 hexadecimal digits that tells nothing of the value and is the same whenever the thing is found."""
    parts = (subject.tenant_id, subject.call_id, found.segment_id, found.kind, str(found.start))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def may_be_kept(found: Found) -> bool:
    """Card verification codes are not, nor what may have one in it."""
    return found.value is not None and found.kind != Placeholder.CODE.kind
