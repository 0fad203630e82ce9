"""The ledger's rows, added up by what one asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.llm.distinct import distinct
from pipeline.llm.usage import Purpose, Usage

BY: Final[Mapping[str, Callable[[Purpose], str]]] = {
    "scenario": lambda purpose: purpose.scenario,
    "prompt": lambda purpose: purpose.prompt_version,
    "model": lambda purpose: purpose.model,
    "day": lambda purpose: purpose.day.isoformat(),
    "stage": lambda purpose: purpose.stage,
}
"""What rows can be added up by."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One group: ``calls`` is counted to within 2 %; ``usd`` is of what has a price, None where nothing has one.

    ``unpriced`` are the requests whose price was not known; ``usd_per_call`` is there where there are none of them.
    """

    name: str
    requests: int
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    usd: float | None
    usd_per_call: float | None
    unpriced: int
    seconds: float


def costs_by(rows: Mapping[Purpose, Usage], by: str) -> list[Cost]:
    """Sums over the rows; days in order, all else by what it cost, the most first."""
    sums: dict[str, Usage] = {}
    for purpose, usage in rows.items():
        name = BY[by](purpose)
        sums[name] = sums.get(name, Usage()) + usage
    costs = [cost_of(name, usage) for name, usage in sums.items()]
    if by == "day":
        return sorted(costs, key=lambda cost: cost.name)
    return sorted(costs, key=lambda cost: (-(cost.usd or 0.0), -cost.input_tokens - cost.output_tokens, cost.name))


def unpriced_models(rows: Mapping[Purpose, Usage]) -> list[str]:
    """The models of which a request had no price."""
    return sorted({purpose.model for purpose, usage in rows.items() if usage.unpriced})


def cost_of(name: str, usage: Usage) -> Cost:
    """The sums of one group."""
    usd = None if usage.unpriced == usage.requests else usage.usd
    calls = distinct(usage.calls)
    return Cost(
        name=name,
        requests=usage.requests,
        calls=calls,
        input_tokens=usage.input_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        usd=usd,
        usd_per_call=usage.usd / calls if calls and not usage.unpriced else None,
        unpriced=usage.unpriced,
        seconds=round(usage.seconds, 3),
    )
