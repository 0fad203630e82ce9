"""What several answers to one question say together: intents and outcome by majority, the rest as the first has it."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.extract.answer import Answer
from pipeline.llm.votes import vote


def agreed(answers: Sequence[Answer]) -> Answer:
    """An intent counts where more than half give it to the same turn, an outcome where more than half name it."""
    intents = vote([answer.intents for answer in answers], lambda claim: (claim.segment, claim.intent))
    outcomes = vote([[one.outcome] if one.outcome else [] for one in answers], lambda outcome: outcome.name)
    return answers[0].model_copy(update={"intents": intents, "outcome": next(iter(outcomes), None)})
