"""Run by itself: by how many megabytes a process grows when it transcribes the long recording that it is given."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from resident import own_peak_bytes

from pipeline.asr.decode import Limits
from pipeline.asr.spool import spool
from pipeline.asr.transcribe import transcribe
from pipeline.asr.vad import Rules
from pipeline.ports import Recognition, Speech


class Forgetful:
    """An engine that keeps nothing of what it hears."""

    name = "forgetful"
    sample_rate_hz = 16_000

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        return [Recognition("yes") for _ in speeches]

    async def close(self) -> None:
        """Nothing is held open."""


def spans_in(path: Path) -> int:
    with closing(spool(path, limits=Limits(24 * 3_600))) as audio:
        return len(asyncio.run(transcribe(audio, Forgetful(), Rules(), "en")))


if __name__ == "__main__":
    short, long = (Path(argument) for argument in sys.argv[1:])
    spans_in(short)
    before = own_peak_bytes()
    spans = spans_in(long)
    print((own_peak_bytes() - before) // 1_000_000, spans)  # noqa: T201 - who started this reads it
