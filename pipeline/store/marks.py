"""The mark between two pages: an id, or in an order the last value and which points that have it were shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Self
from uuid import UUID

from pipeline.errors import ConvmineError

if TYPE_CHECKING:
    from qdrant_client import models


class NoMark(ConvmineError):
    """A mark that was given to go on from is none of ours."""


def id_of(text: str | None) -> str | None:
    """The id that a page in the order of ids goes on from; None is the beginning.

    Raises:
        NoMark: it is none.
    """
    try:
        return None if text is None else str(UUID(text))
    except ValueError:
        raise _no_mark(text) from None


def _no_mark(text: str | None) -> NoMark:
    return NoMark(f"{text!r} is no mark of a page", hint="take what the page before gave as next")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where the last page ended; the first page begins with an empty one."""

    value: float | None = None
    seen: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str | None) -> Self:
        """From its text; None is the beginning.

        Raises:
            NoMark: it is no such text.
        """
        if text is None:
            return cls()
        try:
            value, *seen = json.loads(text)
            if not isfinite(value):
                raise _no_mark(text)
            return cls(float(value), tuple(map(str, seen)))
        except (ValueError, TypeError, OverflowError):
            raise _no_mark(text) from None

    def after(self, records: Sequence[models.Record]) -> Self:
        """The mark behind a page that has at least one point."""
        value = float(str(records[-1].order_value))
        alike = tuple(str(record.id) for record in records if float(str(record.order_value)) == value)
        return type(self)(value, (*self.seen, *alike) if value == self.value else alike)

    def text(self) -> str:
        """As it is given to people."""
        return json.dumps([self.value, *self.seen], separators=(",", ":"))
