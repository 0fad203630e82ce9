"""A line between browser and server that a test can cut and mend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class Line:
    """Carries bytes both ways between ``url`` and a server, unless it is cut."""

    def __init__(self, to: str) -> None:
        address = urlsplit(to)
        self._to = address.hostname, address.port
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self.url = ""

    def cut(self) -> None:
        """Every connection breaks, and no new one is made."""
        self._is_cut = True
        for writer in tuple(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        """New connections are made again."""
        self._is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        if self._is_cut:
            writer.transport.abort()
            return
        there, to = await asyncio.open_connection(*self._to)
        self._open |= {writer, to}
        with suppress(OSError):
            await asyncio.wait(
                [asyncio.create_task(_pour(reader, to)), asyncio.create_task(_pour(there, writer))],
                return_when=asyncio.FIRST_COMPLETED,
            )
        for one in (writer, to):
            self._open.discard(one)
            one.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """Such a line, on a free port."""
    line = Line(url)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        line.cut()
        server.close()


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
