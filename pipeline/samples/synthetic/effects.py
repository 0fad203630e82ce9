"""What is planted in the made-up calls, so that whoever counts them has something to find again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WEEKS: Final = 12
"""Over which the calls are spread."""


@dataclass(frozen=True, slots=True)
class Effects:
    """Shares and odds; those of winning are of the calls that end won or lost.

    - An agent who answers an objection to the price, to a competitor's offer or before a cancellation with
      ``best_offer`` wins ``won_with_best`` of those calls, with another offer ``won_with_other``, with none
      ``won_with_none``. The offers are drawn at random, so it is the offer and nothing beside it.
    - ``rising`` is the reason of four times as many calls in the last week as in the first, ``falling`` of a quarter.
    - ``weak_agent`` goes into ``handled_by_weak`` of the objections, the best of the same team into
      ``handled_by_best``, the others into ``handled``.
    """

    best_offer: str = "loyalty_discount"
    won_with_best: float = 0.70
    won_with_other: float = 0.42
    won_with_none: float = 0.18
    rising: str = "competitor_offer"
    falling: str = "billing_problem"
    weak_agent: str = "agent-03"
    best_agent: str = "agent-01"
    handled_by_weak: float = 0.45
    handled_by_best: float = 0.96
    handled: float = 0.82

    def weight(self, reason: str, rank: int, age: float) -> float:
        """How likely a reason is to be the call's, by its rank (Zipf's law) and its age: 1 at first, 0 at last."""
        trend = {self.rising: 4 ** (0.5 - age), self.falling: 4 ** (age - 0.5)}
        return trend.get(reason, 1.0) / rank

    def handles(self, agent: str) -> float:
        """The share of objections that an agent goes into."""
        return {self.weak_agent: self.handled_by_weak, self.best_agent: self.handled_by_best}.get(agent, self.handled)

    def wins(self, offer: str | None) -> float:
        """The odds of a call after an objection, by the offer that answered it."""
        if offer is None:
            return self.won_with_none
        return self.won_with_best if offer == self.best_offer else self.won_with_other


PLANTED: Final = Effects()
