"""One process at a time: a lock file that says who has it, and that nobody keeps who has died."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

from pipeline.errors import Retryable

_LOOK_AGAIN_S: Final = 0.1


@asynccontextmanager
async def exclusive(path: Path, *, wait_s: float) -> AsyncIterator[None]:
    """Alone among all who ask for this file, which holds the id of the process that has it.

    The lock is the kernel's (``flock``): it goes with the process that holds it, whatever end that takes.

    Raises:
        Retryable: another has it for longer than that.
    """
    give_up = time.monotonic() + wait_s
    with path.open("a+", encoding="ascii") as file:
        while not _locked(file):
            if time.monotonic() >= give_up:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise Retryable(
                    f"another export to {path.parent} is running (process {holder})",
                    dependency="analytics",
                    hint="wait until it is done, or ask with --no-refresh",
                )
            await asyncio.sleep(_LOOK_AGAIN_S)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
