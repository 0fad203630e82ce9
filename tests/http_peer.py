"""An HTTP server on a free port of this machine: it keeps what it is asked and answers as it is told, well or badly."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
"""Writes an answer; is told which request it is, from 1 on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came over the wire; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Peer:
    """``asked`` is what came so far."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def peer(answer: Answer, context: ssl.SSLContext | None = None) -> AsyncIterator[Peer]:
    """The server, while the context is open, with TLS where there is a ``context``; one request a connection."""
    it = Peer()
    at_work: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            at_work.add(task)
            task.add_done_callback(at_work.discard)
        try:
            it.asked.append(await _read(reader))
            await answer(writer, len(it.asked))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # a client that has given up
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as listening:
        it.port = int(listening.sockets[0].getsockname()[1])
        try:
            yield it
        finally:
            for task in at_work:
                task.cancel()
            await asyncio.gather(*at_work, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, body)


def saying(*statuses: int, body: bytes = b"", **headers: str) -> Answer:
    """These statuses, one a request, the last one again and again; with this body and these headers."""

    async def answer(writer: asyncio.StreamWriter, number: int) -> None:
        status = statuses[min(number, len(statuses)) - 1]
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return answer


def dripping(start: bytes, piece: bytes, pause_s: float) -> Answer:
    """This start, and this piece again and again without end."""

    async def answer(writer: asyncio.StreamWriter, _: int) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return answer


async def hanging(writer: asyncio.StreamWriter, number: int) -> None:
    """Nothing at all."""
    del writer, number
    await asyncio.Event().wait()
