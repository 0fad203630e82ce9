"""What an answer costs, from the price table in the settings; of a model without a price it is not known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

_MILLION: Final = 1_000_000
# What servers put behind a model's name to say of when it is: gpt-4.1-2025-04-14, claude-3-5-20241022, model@20250101.
_DATED: Final = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{4})")


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens; ``model`` is a name, or the beginning of names where it ends in ``*``."""

    model: str
    input_usd: float
    output_usd: float
    cached_usd: float

    @classmethod
    def read(cls, written: str) -> Self:
        """From ``model=input:output`` or ``model=input:output:cached``; cached input costs what input does, if not."""
        model, _, figures = written.rpartition("=")
        per_million = [float(figure) for figure in figures.split(":")]
        return cls(model, per_million[0], per_million[1], per_million[-1 if len(per_million) > 2 else 0])  # noqa: PLR2004 - input, output, cached

    def fits(self, model: str) -> bool:
        """Whether this is the price of that model."""
        if self.model.endswith("*"):
            return model.startswith(self.model[:-1])
        return model.startswith(self.model) and (
            model == self.model or _DATED.fullmatch(model, len(self.model)) is not None
        )


class Prices:
    """The price table; of several prices that fit a model, the one with the longest name counts.

    Args:
        written: the entries, as ``CONVMINE_BUDGET_PRICES`` has them.
    """

    def __init__(self, written: Sequence[str] = ()) -> None:
        found = [Price.read(entry) for entry in written]
        self._prices = sorted(found, key=lambda price: len(price.model), reverse=True)

    def price(self, *models: str) -> Price | None:
        """The price of the first of these names that has one."""
        fitting = (price for model in models for price in self._prices if price.fits(model))
        return next(fitting, None)

    def cost_usd(
        self, model: str, input_tokens: int, output_tokens: int, *, cached_tokens: int = 0, asked_as: str = ""
    ) -> float | None:
        """US dollars, or None where the model has no price.

        Args:
            model: as the answer names it.
            input_tokens: all that were sent.
            output_tokens: all that were received.
            cached_tokens: how many of those that were sent the server had at hand.
            asked_as: as the request named it; counts where the other name has no price (a deployment's name).
        """
        price = self.price(model, asked_as)
        if price is None:
            return None
        cached = min(cached_tokens, input_tokens)
        fresh_usd = (input_tokens - cached) * price.input_usd
        return (fresh_usd + cached * price.cached_usd + output_tokens * price.output_usd) / _MILLION


def total(costs: Iterable[float | None]) -> float | None:
    """What they come to; None where one of them is not known."""
    every = list(costs)
    known = [cost for cost in every if cost is not None]
    return sum(known) if len(known) == len(every) else None
