"""One progress bar a stage, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def stage_bars(*, quiet: bool) -> Iterator[Callable[[Mapping[str, tuple[int, int]]], None]]:
    """Bars that follow what they are told: for each stage, events done and events known so far."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet) as bars:
        tasks: dict[str, TaskID] = {}

        def follow(state: Mapping[str, tuple[int, int]]) -> None:
            for name, (done, known) in state.items():
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=None)
                bars.update(tasks[name], completed=done, total=known or None)

        yield follow
