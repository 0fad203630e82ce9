"""What an erasure came to, as a value: what was removed where, what could not be reached, what is still held till when.

It has no word of a call in it and no customer's id; ids of calls stay, since they say what is to stay erased.
"""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ErasedCall(_Part):
    """One call: whether anything of it was stored, whether it still went on, and since when it was erased already."""

    call_id: str
    was_stored: bool = False
    was_live: bool = False
    erased_before: AwareDatetime | None = None


class Removed(_Part):
    """How many things were removed from a place: points, answers, values, labels, calls of a Parquet copy."""

    place: str
    removed: int


class NotReached(_Part):
    """A place from which nothing could be removed, why, and what to do."""

    place: str
    why: str
    hint: str | None = None


class StillHeld(_Part):
    """A topic that may hold events of the call, at the longest until ``until``; None is for good.

    ``retention_ms`` is that of the topic; ``from_broker`` says whether the broker told it, or it is what
    ``convmine topics apply`` sets.
    """

    topic: str
    retention_ms: int | None
    until: AwareDatetime | None
    from_broker: bool


class Recording(_Part):
    """A recording that an event of the call names; one that is not ``ours`` has to be deleted by whoever keeps it."""

    call_id: str
    uri: str
    ours: bool


class Receipt(_Part):
    """What was asked for, and what came of it."""

    receipt_id: str
    tenant_id: str
    customer_sha256: str | None = None
    requested_by: str
    requested_at: AwareDatetime
    reason: str | None = None
    calls: tuple[ErasedCall, ...] = ()
    published: bool = False
    removed: tuple[Removed, ...] = ()
    not_reached: tuple[NotReached, ...] = ()
    still_held: tuple[StillHeld, ...] = ()
    recordings: tuple[Recording, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether every place was reached."""
        return not self.not_reached
