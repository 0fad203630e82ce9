"""What the caches agree on: how an answer is written, how long it is kept, and when to look for older ones."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
from typing import Final

from pydantic import TypeAdapter, ValidationError

from pipeline.ports import KeptAnswer

_DAY_S: Final = 86_400
_HOUR_S: Final = 3_600


def write_answer(answer: KeptAnswer) -> str:
    """The answer as JSON in ASCII, which every store can hold."""
    return json.dumps(asdict(answer))


def read_kept(written: object) -> KeptAnswer | None:
    """The answer, or None where this is none."""
    if not isinstance(written, str):
        return None
    try:
        return _adapter().validate_json(written)
    except ValidationError:
        return None


class Retention:
    """How long answers are kept; times are whole seconds since 1970.

    Args:
        days: how long an answer is kept.
        now: the time, in seconds since 1970.
    """

    def __init__(self, days: int, now: Callable[[], float] = time.time) -> None:
        self._kept_for_s = days * _DAY_S
        self._now = now
        self._next = 0

    def now(self) -> int:
        """The time that an answer is stamped with."""
        return int(self._now())

    def oldest(self) -> int:
        """An answer with an older stamp counts as not there."""
        return self.now() - self._kept_for_s

    def due(self) -> bool:
        """Whether to delete what is too old: at first, then once an hour."""
        if self.now() < self._next:
            return False
        self._next = self.now() + _HOUR_S
        return True


@cache
def _adapter() -> TypeAdapter[KeptAnswer]:
    return TypeAdapter(KeptAnswer)
