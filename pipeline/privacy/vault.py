"""The vault: what was masked, kept sealed under a token for those who may see it, until it is erased."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.privacy.placeholders import Found, Placeholder
from schemas.transcript import Segment


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

    async def accesses(self) -> tuple[Access, ...]:
        """Who looked and who had something erased, the first first."""

    async def close(self) -> None: ...


def token_of(subject: Subject, found: Found) -> str:
    """A name of 32 hexadecimal digits that tells nothing of the value and is the same whenever the thing is found."""
    parts = (subject.tenant_id, subject.call_id, found.segment_id, found.kind, str(found.start))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def may_be_kept(found: Found) -> bool:
    """Card verification codes are not, nor what may have one in it."""
    return found.value is not None and found.kind != Placeholder.CODE.kind


def restored(segments: Iterable[Segment], kept: Iterable[Kept]) -> tuple[Segment, ...]:
    """The text as it was, for the eyes of who may see it; what is kept of no placeholder that is there is left out.

    The words and the times of the segments stay masked.
    """
    by_segment: dict[str, list[Kept]] = {}
    for one in kept:
        by_segment.setdefault(one.segment_id, []).append(one)
    return tuple(_restored(segment, by_segment.get(segment.segment_id, ())) for segment in segments)


def _restored(segment: Segment, kept: Iterable[Kept]) -> Segment:
    text = segment.text
    for one in sorted(kept, key=lambda one: -one.place):
        placeholder = f"[{one.kind.upper()}]"
        if text.startswith(placeholder, one.place):
            text = text[: one.place] + one.value + text[one.place + len(placeholder) :]
    return segment if text == segment.text else segment.model_copy(update={"text": text})
