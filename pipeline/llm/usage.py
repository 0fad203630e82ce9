"""What language models used: tokens, money and seconds, by what they were used for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pipeline.llm.distinct import merged


@dataclass(frozen=True, slots=True, order=True)
class Purpose:
    """What was paid for: ``day`` is in UTC, ``model`` as it was asked for, ``prompt_version`` empty where none."""

    day: date
    tenant_id: str
    scenario: str
    stage: str
    model: str
    prompt_version: str


@dataclass(frozen=True, slots=True)
class Usage:
    """Sums over answers, valid or not: all of them were paid for.

    ``cached_tokens`` are a part of ``input_tokens``. ``usd`` is of the answers whose price is known; ``unpriced``
    counts the others. ``seconds`` is the time that the answers took. ``calls`` is a sketch (``pipeline.llm.distinct``)
    of the calls that they were for.
    """

    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced: int = 0
    seconds: float = 0.0
    calls: bytes = b""

    @property
    def tokens(self) -> int:
        """All tokens, sent and received."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            requests=self.requests + other.requests,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            usd=self.usd + other.usd,
            unpriced=self.unpriced + other.unpriced,
            seconds=self.seconds + other.seconds,
            calls=merged(self.calls, other.calls),
        )


class UsageLedger(Protocol):
    """Keeps what was used, for the caps of a day and for ``convmine cost``; no addition of any process is lost.

    Raises:
        Retryable: what keeps it is away or cannot be written.
        Config: its address or its key is wrong.
    """

    async def add(self, used: Mapping[Purpose, Usage]) -> None:
        """Add to what is kept, all or none; after an error the same may be added again."""

    async def read(self, tenant_id: str, since: date) -> Mapping[Purpose, Usage]:
        """What a tenant used on that day and later, by all workers together."""

    async def remove(self, tenant_id: str, before: date) -> None:
        """Delete what a tenant used before that day."""

    async def close(self) -> None: ...
