"""Dashboards, many in one process: each reads a stream of the gateway and notes when each event was there.

They read bytes and look for ids alone: what a dashboard does with an event is not measured.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_ID: Final = re.compile(rb'"ce_id": "e(\d+)"')
_OPENED: Final = b"event: status"
_AT_ONCE: Final = 50
"""Connections that are made at the same time."""


@dataclass(frozen=True, slots=True)
class Readers:
    """So many streams with these queries, and the file that says when each event was there."""

    url: str
    key: str
    queries: Sequence[str]
    seen: str

    def command(self) -> list[str]:
        """What starts them."""
        return [sys.executable, "-m", "benchmarks.stream_readers", json.dumps(asdict(self))]


async def run(readers: Readers) -> list[tuple[int, float]]:
    """Open all streams, say so, read until standard input ends; each event that was seen, and when."""
    seen: list[tuple[int, float]] = []
    gate = asyncio.Semaphore(_AT_ONCE)
    opened = [asyncio.Event() for _ in readers.queries]
    tasks = [
        asyncio.create_task(_read(readers, query, seen, gate, one))
        for query, one in zip(readers.queries, opened, strict=True)
    ]
    for one in opened:
        await one.wait()
    print("opened", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def _read(
    readers: Readers, query: str, seen: list[tuple[int, float]], gate: asyncio.Semaphore, opened: asyncio.Event
) -> None:
    address = urlsplit(readers.url)
    async with gate:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"GET /v1/streams?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {readers.key}\r\n\r\n"
        writer.write(head.encode())
        await reader.readuntil(_OPENED)
        opened.set()
    rest = b""
    while part := await reader.read(65_536):
        at = time.monotonic()
        text = rest + part
        last = 0
        for found in _ID.finditer(text):
            seen.append((int(found[1]), at))
            last = found.end()
        rest = text[max(last, len(text) - 40) :]


if __name__ == "__main__":
    given = Readers(**json.loads(sys.argv[1]))
    Path(given.seen).write_text(json.dumps(asyncio.run(run(given))), encoding="utf-8")
