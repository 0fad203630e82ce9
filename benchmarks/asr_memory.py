"""How the memory of a process grows while it transcribes recordings: the batch lane's handler with an instant engine.

Run by itself, ``python -m benchmarks.asr_memory RECORDING SPANS``, it prints the resident megabytes.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks import ROOT
from benchmarks.asr_stages import Instant
from benchmarks.memory import sample
from pipeline.asr.stage import build
from pipeline.handling import Inbound, Position
from pipeline.ports import ClaimCheck
from pipeline.privacy.masking import mask
from pipeline.settings import AudioSettings
from schemas.audio import RecordingAvailable
from schemas.envelope import message
from schemas.transcript import TranscriptCompleted
from schemas.wire import CallFacts

FIRST_SHARE: Final = 0.2
"""Of the spans: what is resident then is what the end is held against."""
_NEAR: Final = 0.05


@dataclass(frozen=True, slots=True)
class Resident:
    """Megabytes after a fifth of the spans and at the end: medians of what was seen in the twentieth before each."""

    spans: int
    first_mb: float
    last_mb: float

    @property
    def growth(self) -> float:
        """0.05 is five per cent more."""
        return self.last_mb / self.first_mb - 1


def resident(recording: Path, spans: int) -> Resident:
    """Measured in a process of its own, which hears the recording until it has heard so many spans."""
    command = [sys.executable, "-m", "benchmarks.asr_memory", str(recording), str(spans)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return told(json.loads(done.stdout.splitlines()[-1]))


def told(seen: Sequence[tuple[int, float]]) -> Resident:
    """What follows from the number of spans and the megabytes after each recording.

    Raises:
        ValueError: a recording has so many spans that none ended in one of the two stretches.
    """
    spans = seen[-1][0]
    first, last = (
        [mb for heard, mb in seen if (share - _NEAR) * spans <= heard <= share * spans] for share in (FIRST_SHARE, 1.0)
    )
    if not first or not last:
        raise ValueError(f"{spans} spans are too few for recordings as long as these")
    return Resident(spans, round(statistics.median(first), 1), round(statistics.median(last), 1))


@dataclass(frozen=True, slots=True)
class _Shelf:
    """An audio store whose every recording is this file."""

    path: Path

    @asynccontextmanager
    async def fetch(self, claim: ClaimCheck) -> AsyncIterator[Path]:
        del claim
        yield self.path

    async def close(self) -> None:
        """Nothing is held open."""


async def _watch(recording: Path, spans: int) -> list[tuple[int, float]]:
    handle = build(
        engine=Instant(), store=_Shelf(recording), settings=AudioSettings(), now=lambda: datetime.now(UTC), mask=mask
    )
    heard = 0
    seen: list[tuple[int, float]] = []
    for event in _events():
        for outbound in await handle(event):
            payload = outbound.message.payload
            heard += len(payload.segments) if isinstance(payload, TranscriptCompleted) else 0
        seen.append((heard, sample(os.getpid(), 0).rss_mb))
        if heard >= spans:
            return seen
    raise AssertionError("there is always another event")


def _events() -> Iterator[Inbound]:
    number = 0
    while True:
        number += 1
        event = RecordingAvailable(call_id=f"c-{number}", call=CallFacts(language="en"), dataref="file:///recording")
        envelope = message(
            event, id=f"e-{number}", source="/asr", time=datetime.now(UTC), subject=event.call_id, tenant_id="acme"
        )
        yield Inbound(envelope, Position("calls.recordings", 0, number), b"")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_watch(Path(sys.argv[1]), int(sys.argv[2])))))
