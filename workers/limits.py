"""How much a worker takes on, and how patient it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pipeline.settings import Settings
from pipeline.stages import AUDIO, Stage
from workers.outcomes import RetryPolicy


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one stage's worker.

    ``in_flight`` events are handled at once; a partition may be ``window`` offsets ahead of its oldest open one.
    ``breaker_failures`` in a row open a dependency's breaker; a call of which nothing came for ``hold_s`` seconds holds
    nothing any longer. ``tenant`` is whose failure it is when an event does not say.
    """

    in_flight: int = 16
    window: int = 1_000
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    breaker_failures: int = 5
    hold_s: float = 60.0
    tenant: str = "default"
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


def limits_of(settings: Settings, stage: Stage) -> Limits:
    """The limits of a stage as they are set."""
    runtime = settings.runtime
    return Limits(
        in_flight=runtime.in_flight,
        window=runtime.audio_window if AUDIO in stage.reads else runtime.window,
        policy=RetryPolicy(runtime.backoff_s, runtime.backoff_max_s, runtime.max_attempts),
        breaker_failures=runtime.breaker_failures,
        hold_s=runtime.hold_s,
        tenant=settings.tenant,
    )
