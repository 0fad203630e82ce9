"""Copies of recordings that are silent where a call is masked, kept for as long as somebody listens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pipeline.errors import Poison
from pipeline.ports import AudioStore, ClaimCheck
from pipeline.privacy.muting import write_muted
from schemas.transcript import MaskedSpan

_AT_ONCE: Final = 2
"""Recordings that are written at once: each takes a core, an hour of two channels of telephone speech some seconds."""
_LISTENED_S: Final = 60.0
"""Seconds after it was asked for in which a copy stays, whatever the space: its bytes may still be on their way."""


class Copies:
    """Makes copies and keeps them; their folder goes with the process.

    Args:
        audio: brings the recordings.
        max_bytes: of all copies together, and of one.
        kept_s: seconds that one is kept after it was asked for last.
        now: seconds that only go on.
    """

    def __init__(
        self,
        audio: AudioStore,
        *,
        max_bytes: int = 2_000_000_000,
        kept_s: float = 600.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._audio = audio
        self._max_bytes = max_bytes
        self._kept_s = kept_s
        self._now = now
        self._folder = TemporaryDirectory(prefix="convmine-listening-", ignore_cleanup_errors=True)
        self._asked: dict[str, float] = {}
        self._made: dict[str, asyncio.Task[Path]] = {}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def copy(self, whose: str, claim: ClaimCheck, spans: Sequence[MaskedSpan]) -> Path:
        """The copy of a recording with these spans silent; ``whose`` names the call and what was heard of it.

        Several who ask for the same wait for the same. What lies on this machine is looked for each time.

        Raises:
            NotThereYet: the recording is not there.
            Retryable: its server is away.
            Poison: it cannot be read, is not the call's, or its copy would be too large.
        """
        said = f"{whose}\n{claim.uri}\n{[(one.start_ms, one.end_ms) for one in spans]}"
        name = sha256(said.encode()).hexdigest()
        self._expire(but=name)
        self._asked[name] = self._now()
        if claim.uri.startswith("file:"):
            async with self._audio.fetch(claim):
                pass
        task = self._made.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._made[name] = asyncio.create_task(self._make(self._path(name), claim, spans))
        return await asyncio.shield(task)

    async def _make(self, target: Path, claim: ClaimCheck, spans: Sequence[MaskedSpan]) -> Path:
        async with self._turn, self._audio.fetch(claim) as source:
            await asyncio.to_thread(_check, source, self._max_bytes)
            await asyncio.to_thread(write_muted, source, target, spans)
        return target

    def _expire(self, *, but: str) -> None:
        """Remove what was not asked for in a while, and the oldest where all together are too large."""
        now = self._now()
        sizes = {name: self._size(name) for name in self._asked}
        for name, at in sorted(self._asked.items(), key=lambda one: one[1]):
            task = self._made.get(name)
            if name == but or (task is not None and not task.done()):
                continue
            is_old = at + self._kept_s < now
            is_beyond = sum(sizes.values()) > self._max_bytes and at + _LISTENED_S < now
            if is_old or is_beyond:
                self._path(name).unlink(missing_ok=True)
                del self._asked[name], sizes[name]
                self._made.pop(name, None)

    def _path(self, name: str) -> Path:
        return Path(self._folder.name) / f"{name}.wav"

    def _size(self, name: str) -> int:
        with suppress(OSError):
            return self._path(name).stat().st_size
        return 0


def _check(source: Path, max_bytes: int) -> None:
    """Refuse what would be too large as WAV, before any of it is written: silence packs well."""
    import soundfile

    try:
        with source.open("rb") as file:
            found = soundfile.info(file)
    except soundfile.LibsndfileError as error:
        raise Poison(f"{source} cannot be read: {error.error_string.rstrip('.')}") from error
    if found.frames * found.channels * 2 > max_bytes:
        raise Poison(f"{source} has {found.duration:.0f} s, more than can be listened to here")
