"""``convmine demo --live``: what it plays, and what it says on the console."""

from __future__ import annotations

import asyncio
import os
from typing import Final

import click

from pipeline.settings import Settings
from workers.cli.browser import open_browser

_APART_S: Final = 8.0
"""Seconds between the starts of two lines, so that not all say the same at once."""


class _Console:
    """Says what to open, and each call that begins."""

    def __init__(self, *, opens: bool) -> None:
        self._opens = opens

    def opened(self, address: str) -> None:
        click.echo(f"Open     {address}\n         (once, within 15 minutes)  Ctrl-C ends the demo\n")
        if self._opens:
            open_browser(address)

    def began(self, call_id: str) -> None:
        click.echo(f"playing  {call_id}")


def play_live(settings: Settings, port: int | None, *, opens: bool) -> None:
    """Run the demo until somebody ends it.

    Raises:
        Config: a setting is wrong, or the port is taken.
        Retryable: the store is away, or another process has its folder open.
    """
    from workers.demo.live import VISITOR, run_live_demo
    from workers.demo.playing import Line
    from workers.demo.talks import talks

    calls, chats = talks(settings.tenant)
    at_once = calls_at_once()
    yours = Line([call.held_by(VISITOR) for call in calls[::at_once]])
    others = [Line(calls[number::at_once], number * _APART_S) for number in range(1, at_once)]
    lines = [yours, *others, Line(chats, at_once * _APART_S)]
    store = settings.store.url or settings.store.path
    engines = f"{settings.asr.engine} → {settings.extract.extractor} → Qdrant at {store}"
    click.echo(f"{at_once} calls and a chat at a time, at the speed of speech → {engines}\n")
    asyncio.run(
        run_live_demo(settings, settings.dashboard.port if port is None else port, lines, _Console(opens=opens))
    )


def calls_at_once() -> int:
    """Calls that this machine hears as fast as they are spoken."""
    return max(1, min(3, (os.cpu_count() or 1)))
