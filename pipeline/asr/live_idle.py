"""Live calls that nobody ended: since when nothing has come of each, and the event that ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from pipeline.asr.stage import STAGE
from pipeline.handling import Inbound, Outbound, follow
from pipeline.stages import AUDIO
from schemas.call import CallEnded
from schemas.wire import CallEvent

REASON: Final = "no audio has come for long"


@dataclass(frozen=True, slots=True)
class _Newest:
    """The newest event of a call, without its audio, and when it came."""

    inbound: Inbound
    came_s: float


class Watch:
    """The calls that go on in this process.

    An idle call is ended by an event on the topic of its audio: it comes after all that was sent before it, is known
    again by its id, and a worker that is killed loses nothing.

    Args:
        idle_s: after so many seconds without an event a call is idle.
        clock: in seconds.
    """

    def __init__(self, idle_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle_s = idle_s
        self._clock = clock
        self._newest: dict[str, _Newest] = {}

    @property
    def keys(self) -> AbstractSet[str]:
        """The calls, as ``tenant:call``."""
        return self._newest.keys()

    def came(self, key: str, inbound: Inbound) -> None:
        """An event of a call has come."""
        self._newest[key] = _Newest(replace(inbound, body=b""), self._clock())

    def is_stale(self, key: str, inbound: Inbound) -> bool:
        """Whether this event ends a call of which something has come since it was found idle."""
        newest = self._newest.get(key)
        if newest is None or inbound.message.envelope.source != _end(newest.inbound).message.envelope.source:
            return False
        return inbound.message.envelope.id != _end(newest.inbound).message.envelope.id

    def ended(self, key: str) -> None:
        """The call is over."""
        self._newest.pop(key, None)

    def forget(self, partition: int) -> None:
        """The calls of this partition are somebody else's now."""
        self._newest = {key: it for key, it in self._newest.items() if it.inbound.position.partition != partition}

    def ends(self) -> list[Outbound]:
        """The events that end the calls that are idle now; each is told again after as long, until it has come."""
        now_s = self._clock()
        idle = {key: it for key, it in self._newest.items() if now_s - it.came_s >= self._idle_s}
        self._newest |= {key: replace(it, came_s=now_s) for key, it in idle.items()}
        return [_end(it.inbound) for it in idle.values()]


def _end(newest: Inbound) -> Outbound:
    assert isinstance(newest.payload, CallEvent)
    event = CallEnded(call_id=newest.payload.call_id, reason=REASON)
    return follow(newest, event, stage=STAGE, topic=AUDIO, part="idle")
