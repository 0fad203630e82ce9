"""Words that were said in the calls behind a figure: of the largest group, or of what rises or falls most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pipeline.questions.condition import Condition
from pipeline.questions.counts.aggregating import Aggregated
from pipeline.questions.differences.contrasts import Quote
from pipeline.questions.differences.trending import Trends
from pipeline.questions.fields import NoField
from pipeline.questions.narrowing import TooWide
from pipeline.questions.question import Aggregate, Query, Trend
from pipeline.questions.wording.model_answer import Meant
from pipeline.store.answers import FoundIntent
from pipeline.store.known import Unknown

if TYPE_CHECKING:
    from pipeline.questions.answering import Answers

MOST: Final = 3
_LOOKED_AT: Final = 30
_MOST_CONDITIONS: Final = 20


async def quotes(answers: Answers, question: Meant, answer: Any, most: int = MOST) -> tuple[Quote, ...]:  # noqa: ANN401 - each kind of question has an answer of its own
    """Words of so many calls, the newest first; none where the answer has quotes itself, or no words stand behind it.

    Raises:
        Retryable: the store, or the gateway, is away.
    """
    conditions = _behind(question, answer)
    if not conditions or len(conditions) > _MOST_CONDITIONS:
        return ()
    asked = Query(of="intents", where=conditions, outcomes=question.outcomes, sort="-started", limit=_LOOKED_AT)
    try:
        found = await answers.answer(asked)
    except (NoField, TooWide, Unknown):  # what can be counted, but not listed
        return ()
    first: dict[str, FoundIntent] = {}
    for one in found.items:
        first.setdefault(one.call_id, one)
    return tuple(Quote(one.call_id, one.role, one.start_ms, one.quote) for one in [*first.values()][:most])


def _behind(question: Meant, answer: Any) -> tuple[Condition, ...]:  # noqa: ANN401 - see quotes
    match question, answer:
        case Aggregate(), Aggregated(groups=(_, *_) as groups):
            largest = max(groups, key=lambda group: group.count)
            return (*question.where, *map(_is, question.by, largest.names))
        case Aggregate(), Aggregated():
            return question.where
        case Trend(), Trends(rows=(strongest, *_)):
            return (*question.where, _is(question.by, strongest.name))
    return ()


def _is(field: str, value: str) -> Condition:
    return Condition(field=field, values=(value,))
