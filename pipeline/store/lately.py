"""What this worker has lately stored of live calls: read once a call, then known, as nobody else writes it.

The words and intents of a call that goes on come from the one worker that has its partition. Others only take them
away, when the recording's result is there, which the worker sees after its next write (``precedence.give_way``).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.ports import Hit
from pipeline.privacy.entry import REACH_MS

_CALLS: Final = 500
"""Calls that go on in one worker: more than it has time for. Each has a hundred kilobytes of words."""
_KEPT_MS: Final = 4 * REACH_MS
"""Time of the call before its newest words that is known: later words look back by ``REACH_MS``, and few come late."""

_BEFORE_ALL_MS: Final = -(10**12)


@dataclass(slots=True)
class Words:
    """The live segments of a call, by id: all that begin at ``from_ms`` or later."""

    from_ms: int
    hits: dict[str, Hit]

    def between(self, first_ms: int, after_ms: int) -> dict[str, Hit]:
        """Those that begin in this time (half open), which must not lie before ``from_ms``."""
        return {id_: hit for id_, hit in self.hits.items() if first_ms <= hit.payload["start_ms"] < after_ms}

    def wrote(self, hits: Iterable[Hit]) -> None:
        """These were stored; what lies long before them is not looked at any more."""
        new = {hit.payload["segment_id"]: hit for hit in hits}
        self.hits |= new
        newest = max((hit.payload["start_ms"] for hit in new.values()), default=self.from_ms)
        if newest - _KEPT_MS > self.from_ms:
            self.from_ms = newest - _KEPT_MS
            self.hits = {id_: hit for id_, hit in self.hits.items() if hit.payload["start_ms"] >= self.from_ms}


@dataclass(slots=True)
class LiveCall:
    """What is known of one call; None is not known.

    ``call`` is its own point's payload as it was read last, which others may have changed since. ``words`` are its live
    segments, ``intents`` the segment of each intent's point, and ``not_begun`` the collections of which it was read
    that no recording's result had been begun there.
    """

    call: Mapping[str, Any] | None = None
    words: Words | None = None
    intents: dict[str, str] | None = None
    not_begun: set[str] = field(default_factory=set)

    def begins(self) -> None:
        """Its own point was just stored, which comes before every other live one: there are none."""
        self.words, self.intents = Words(_BEFORE_ALL_MS, {}), {}


@dataclass(slots=True)
class Lately:
    """The calls of one worker; of the one that was asked for longest ago nothing is known once there are too many."""

    most: int = _CALLS
    _calls: OrderedDict[tuple[str, str], LiveCall] = field(default_factory=OrderedDict)

    def of(self, tenant_id: str, call_id: str) -> LiveCall:
        """What is known of a call; whoever stores more says so in it."""
        call = self._calls.setdefault((tenant_id, call_id), LiveCall())
        self._calls.move_to_end((tenant_id, call_id))
        if len(self._calls) > self.most:
            self._calls.popitem(last=False)
        return call

    def forget(self, tenant_id: str, call_id: str) -> None:
        """Of this call it is not known any more what is stored."""
        self._calls.pop((tenant_id, call_id), None)

    def clear(self) -> None:
        """Of no call it is."""
        self._calls.clear()
