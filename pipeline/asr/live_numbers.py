"""Numbers that are said in several pieces: which segments of a live call wait for the next one of their channel.

A segment that ends inside a number goes out when the number has ended, or when it has waited for so long, so that
masking sees all of the number at once. One that went out before the number ended is kept to mask the rest by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile
from typing import Final

from pipeline.asr.live_channel import Spoken
from pipeline.asr.live_state import ChannelCut
from schemas.transcript import Segment

IsOpen = Callable[[Segment, str | None], bool]
"""Whether a segment, in a language, ends inside a number that may go on."""

_LONGEST_MS: Final = 30_000
"""So far back the pieces of a number are kept; whoever reads out lists of numbers never ends one."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was recognised: a segment that is not masked yet, and whether it is ``out`` all the same."""

    spoken: Spoken
    segment: Segment
    language: str | None
    out: bool = False


Runs = Mapping[int, tuple[Said, ...]]
"""What was said on each channel and is kept until the number that it ends with has ended."""


@dataclass(frozen=True, slots=True)
class Holding:
    """How long a segment waits at most, in ms of the call from its end on; 0 for not at all."""

    is_open: IsOpen
    longest_ms: int

    def part(
        self, run: Sequence[Said], now_ms: int | None, language: str | None, *, goes_on: bool
    ) -> tuple[list[Said], tuple[Said, ...]]:
        """Part what one channel said, in order.

        Args:
            run: what is kept of it, and what was said since.
            now_ms: how far the call is; None where nothing may wait.
            language: of the call.
            goes_on: whether somebody speaks on the channel.

        Returns:
            what goes out now, and what is kept: the pieces of a number that may go on.
        """
        if now_ms is None or self.longest_ms == 0:
            return [it for it in run if not it.out], ()
        number = _last_while(run, lambda it: self.is_open(it.segment, language))
        ended = run[: len(run) - len(number)]
        waited = [it for it in number if self.has_waited(it.segment.end_ms, now_ms)]
        going = [it for it in (*ended, *waited) if not it.out]
        kept = tuple(replace(it, out=it.out or self.has_waited(it.segment.end_ms, now_ms)) for it in number)
        if all(it.out for it in kept) and not goes_on:
            return going, ()
        return going, tuple(dropwhile(lambda it: it.out and it.segment.end_ms < now_ms - _LONGEST_MS, kept))

    def has_waited(self, end_ms: int, now_ms: int) -> bool:
        """Whether a segment that ended at this time must not wait any longer."""
        return self.longest_ms > 0 and end_ms + self.longest_ms <= now_ms


def cut_before(run: Sequence[Said]) -> ChannelCut:
    """The cut from which on a successor must hear the channel to have the same pieces."""
    out_ms = max((it.segment.start_ms + 1 for it in run if it.out), default=None)
    return run[0].spoken.before.model_copy(update={"out_ms": out_ms})


def _last_while(run: Sequence[Said], is_so: Callable[[Said], bool]) -> Sequence[Said]:
    """The longest end of the run of which all are so."""
    first = len(run)
    while first and is_so(run[first - 1]):
        first -= 1
    return run[first:]
