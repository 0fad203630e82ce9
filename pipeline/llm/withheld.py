"""Why there is no answer, by name, and what it cost: an extractor that falls back tells the reasons apart."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pipeline.errors import Poison
from pipeline.ports import ChatAnswer


class Why(StrEnum):
    """The reasons; asking the same again later changes none of them."""

    INVALID = "invalid"
    EMPTY = "empty"
    CUT_OFF = "cut_off"
    REFUSED = "refused"
    FILTERED = "filtered"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Took:
    """What all tries took together, in requests answered and in tokens."""

    tries: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    def plus(self, said: ChatAnswer) -> Took:
        """With one more answer."""
        return Took(self.tries + 1, self.input_tokens + said.input_tokens, self.output_tokens + said.output_tokens)


class Withheld(Poison):
    """The model gave no answer that can be used; ``spent`` is what the tries took nevertheless."""

    def __init__(self, message: str, *, why: Why, spent: Took | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.why = why
        self.spent = spent or Took()
