"""A gate in front of a server: while it is shut, connections are refused as if nobody were there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kafka_node import free_port


class Gate:
    """Passes bytes on between a free port of its own and the server behind it; it runs in a thread."""

    def __init__(self, behind: str, loop: asyncio.AbstractEventLoop) -> None:
        host, _, port = behind.rpartition(":")
        self._behind = (host, int(port))
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Let connections through."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    def shut(self) -> None:
        """Refuse new connections, and cut those that are there."""
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._passing:
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            there, back = await asyncio.open_connection(*self._behind)
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, back))
                both.create_task(_copy(there, writer))
        except* OSError:
            pass
        finally:
            self._passing.discard(task)
            with suppress(OSError):
                writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()


@contextmanager
def gate_to(behind: str) -> Iterator[Gate]:
    """An open gate to the server at ``host:port``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    gate = Gate(behind, loop)
    gate.open()
    try:
        yield gate
    finally:
        gate.shut()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
