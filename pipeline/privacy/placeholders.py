"""What stands where something personal was, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Placeholder(StrEnum):
    """What stands where something personal was."""

    CARD = "[CARD]"
    PHONE = "[PHONE]"
    EMAIL = "[EMAIL]"
    ID = "[ID]"
    BANK = "[BANK]"
    NUMBER = "[NUMBER]"
    CODE = "[CODE]"

    @property
    def kind(self) -> str:
        """The name as it stands in a masked span: ``card``."""
        return self.value.strip("[]").lower()


@dataclass(frozen=True, slots=True)
class Cut:
    """Characters ``start`` to ``end`` of the segment with this index, to be replaced.

    ``may_keep`` is false where a card verification code is, or may be, in it: nobody may store that.
    """

    segment: int
    start: int
    end: int
    placeholder: Placeholder
    may_keep: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was replaced.

    ``start`` to ``end`` are its characters in the text of the segment as it came, ``place`` is where its placeholder
    begins in the masked text. ``value`` is what stood there, None where it is or may hold a card verification code.
    """

    kind: str
    segment_id: str
    start: int
    end: int
    place: int
    value: str | None = field(repr=False)
