"""The server in a thread, for tests: ``with serve(Refusal(), Valid()) as server: ...``."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from workers.fake_llm.rate_limit import RateLimit
from workers.fake_llm.script import Script, Step
from workers.fake_llm.server import Asked, FakeLlm, Stats


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: where it is, what it was asked, and what became of that."""

    base_url: str
    llm: FakeLlm

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The bodies of the requests, oldest first."""
        return [asked.body for asked in tuple(self.llm.requests)]

    @property
    def asked(self) -> list[Asked]:
        """The requests with their paths and keys, oldest first."""
        return list(self.llm.requests)

    @property
    def stats(self) -> Stats:
        """The counts so far."""
        return self.llm.stats


@contextmanager
def serve(
    *steps: Step,
    delay_s: float = 0.0,
    requests_per_minute: int | None = None,
    burst: int | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Served]:
    """A server that is stopped at the end, what hangs in it included.

    Args:
        steps: the script; without one every answer is by rule. ``*read_script(path).steps`` takes one from a file.
        delay_s: seconds until an answer whose step names none.
        requests_per_minute: beyond it, 429 with ``Retry-After``.
        burst: how many of a minute's requests may come at once; all of them where it is not given.
        host: the address to listen on.
        port: 0 takes a free one.

    Raises:
        OSError: the address is taken or not ours.
    """
    limit = None if requests_per_minute is None else RateLimit(requests_per_minute, burst)
    llm = FakeLlm(Script(steps=steps), delay_s=delay_s, limit=limit)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    address: Future[str] = Future()
    thread = threading.Thread(target=_run, args=(loop, llm, (host, port), stop, address), name="fake-llm", daemon=True)
    thread.start()
    try:
        yield Served(address.result(), llm)
    finally:
        if not address.exception():
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def _run(
    loop: asyncio.AbstractEventLoop, llm: FakeLlm, at: tuple[str, int], stop: asyncio.Event, address: Future[str]
) -> None:
    async def until_stopped() -> None:
        try:
            async with llm.listening(*at) as base_url:
                address.set_result(base_url)
                await stop.wait()
        except OSError as error:
            address.set_exception(error)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(until_stopped())
