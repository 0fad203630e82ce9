"""One part tried: what it did and how long that took, or why not."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.errors import ConvmineError
from workers.diagnosis import Finding


def tried(part: str, stages: tuple[str, ...], work: Callable[[], str]) -> Finding:
    """The part with what ``work`` tells of it; an error of ours makes it broken, with the error's own hint."""
    began = time.perf_counter()
    try:
        detail = work()
    except ConvmineError as error:
        return Finding(part, "broken", error.message, stages, error.hint or "")
    return Finding(part, "ok", f"{detail} ({time.perf_counter() - began:.2f} s)", stages)
