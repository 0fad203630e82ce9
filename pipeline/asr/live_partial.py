"""The words so far of whoever speaks in a live call, recognised beside it, so that no final segment waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from pipeline.asr.live_channel import LiveChannel
from pipeline.asr.live_copies import once
from pipeline.asr.live_numbers import Said
from pipeline.asr.live_state import LiveCall
from pipeline.asr.live_words import Scribe, Subject
from pipeline.errors import ConvmineError
from pipeline.figures import LIVE_DRAFTS
from pipeline.ports import Meter

_log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SoFar:
    """Words of a speech that goes on, and the revision of its segment that they are."""

    said: Said
    revision: int


@dataclass(frozen=True, slots=True)
class _Draft:
    start_ms: int
    revision: int
    task: asyncio.Task[Said | None]


class Drafts:
    """Of one call: at most one at a time on each channel, so that a slow engine gets fewer of them.

    They are best effort. Nothing of them is remembered, and one that fails or comes too late is missing.
    """

    def __init__(self, scribe: Scribe, meter: Meter) -> None:
        self._scribe = scribe
        self._meter = meter
        self._under_way: dict[int, _Draft] = {}
        self._begun: dict[int, tuple[int, int]] = {}

    def begin(self, channels: Sequence[LiveChannel], call: LiveCall, subject: Subject) -> None:
        """Have the words so far recognised where their time has come."""
        for channel in channels:
            if channel.index in self._under_way or (speaking := channel.speaking_ms) is None:
                continue
            start_ms, elapsed_ms = speaking
            revision = self._scribe.pace.revision(elapsed_ms)
            begun_ms, begun = self._begun.get(channel.index, (start_ms, 0))
            if revision <= (begun if begun_ms == start_ms else 0):
                continue
            self._begun[channel.index] = start_ms, revision
            together = once(so_far for it in channels if (so_far := it.so_far()) is not None)
            if (spoken := next((it for it in together if it.channel == channel.index), None)) is None:
                continue
            task = asyncio.create_task(self._scribe.so_far(spoken, call, subject))
            self._under_way[channel.index] = _Draft(start_ms, revision, task)

    def give_up_late(self, channels: Sequence[LiveChannel]) -> None:
        """Give up those of speech that is over: its last words are to be recognised now, and these are in their way."""
        for channel in channels:
            draft = self._under_way.get(channel.index)
            if draft is None or ((speaking := channel.speaking_ms) is not None and speaking[0] == draft.start_ms):
                continue
            del self._under_way[channel.index]
            if draft.task.cancel() or self._result(draft) is not None:
                self._miss(draft, "the speech was over first")

    def done(self, channels: Sequence[LiveChannel]) -> list[SoFar]:
        """What was recognised since this was asked last."""
        found: list[SoFar] = []
        for channel in channels:
            draft = self._under_way.get(channel.index)
            if draft is None or not draft.task.done():
                continue
            del self._under_way[channel.index]
            if (said := self._result(draft)) is not None:
                found.append(SoFar(said, draft.revision))
        return found

    def close(self) -> None:
        """Give up those that are under way."""
        for draft in self._under_way.values():
            draft.task.cancel()
        self._under_way.clear()

    def _result(self, draft: _Draft) -> Said | None:
        try:
            return draft.task.result()
        except (ConvmineError, asyncio.CancelledError) as error:
            self._miss(draft, str(error))
            return None

    def _miss(self, draft: _Draft, reason: str) -> None:
        self._meter.count(LIVE_DRAFTS, outcome="missed")
        _log.info("partial.missed", start_ms=draft.start_ms, revision=draft.revision, reason=reason)
