"""Whose calls end best: agents by the win rate that they surely have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

from pipeline.questions.differences.contrasts import Share, share
from pipeline.questions.differences.statistics import wilson

FEWEST_DECIDED: Final = 10
"""Calls won or lost that an agent must have to be ranked."""
_AT_LEAST: Final = 3


@dataclass(frozen=True, slots=True)
class Ranked:
    """An agent by pseudonym: calls won of those won or lost, and the 95 % interval of that rate."""

    agent: str
    won: Share
    low: float
    high: float


def ranked(won: Mapping[str, int], lost: Mapping[str, int]) -> list[Ranked]:
    """The agents with calls enough, best first: by the lower end of the interval, so that luck in few calls tells less.

    Source: E. Miller, "How not to sort by average rating" (2009).
    """
    decided = {agent: won.get(agent, 0) + lost.get(agent, 0) for agent in dict.fromkeys((*won, *lost))}
    rows = [
        Ranked(agent, share(won.get(agent, 0), of), *wilson(won.get(agent, 0), of))
        for agent, of in decided.items()
        if of >= FEWEST_DECIDED
    ]
    return sorted(rows, key=lambda row: (-row.low, row.agent))


def best(rows: list[Ranked]) -> list[Ranked]:
    """The top quarter, and at least three where there are."""
    return rows[: max(_AT_LEAST, ceil(len(rows) / 4))]
