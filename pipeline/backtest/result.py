"""What a back-test found: two versions of a prompt on the same calls, field by field."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, ConfigDict


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FieldScore(_Result):
    """How well one field was found; ``low`` to ``high`` holds F1 with 95 % confidence (bootstrap over calls).

    None where nothing was predicted or labelled, or one call alone tells nothing of others.
    """

    field: str
    precision: float | None
    recall: float | None
    f1: float | None
    low: float | None = None
    high: float | None = None
    support: int = 0
    """Items that are labelled."""


class VersionResult(_Result):
    """One version on all calls; ``digest`` is the SHA-256, in hex, of its file."""

    label: str
    digest: str
    model: str
    fields: tuple[FieldScore, ...]
    calls: int
    failed: int = 0
    """Calls of which no valid answer came."""
    reasks: int = 0
    dropped_ungrounded: int = 0
    latency_p50_ms: float | None = None
    latency_p95_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None

    @property
    def valid(self) -> float:
        """Share of the calls that a valid answer came of."""
        return 1 - self.failed / self.calls if self.calls else 0.0


class FieldChange(_Result):
    """F1 of the second version less that of the first, with its interval (paired bootstrap over calls)."""

    field: str
    difference: float
    low: float | None = None
    high: float | None = None


class FieldMatch(_Result):
    """How far two versions say the same in a field, labelled or not.

    ``agreement`` is twice the common items by all items of both (Dice); None where neither found any. ``first`` and
    ``second`` are how many items each found.
    """

    field: str
    agreement: float | None
    first: int
    second: int


class Backtest(_Result):
    """Two versions side by side; ``material`` is the SHA-256, in hex, of the calls with their labels."""

    backtest_id: str
    scenario: str
    language: str
    prompt: str
    on: str
    """What the calls were: ``stored``, or the name of a file."""
    material: str
    finished_at: AwareDatetime
    a: VersionResult
    b: VersionResult
    changes: tuple[FieldChange, ...] = ()
    agreement: tuple[FieldMatch, ...] = ()
