"""The port through which questions are answered, and the answers from the store: one table of kinds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeVar

from pipeline.export.rows import RowPage
from pipeline.ports import VectorStore
from pipeline.questions import flows, one_call, querying, row_pages, searching
from pipeline.questions.asker import Asker
from pipeline.questions.coaching import coach
from pipeline.questions.coaching.coach import Coached
from pipeline.questions.counts import aggregating
from pipeline.questions.counts.aggregating import Aggregated
from pipeline.questions.differences import comparing, likeness, trending
from pipeline.questions.differences.comparing import Compared
from pipeline.questions.differences.likeness import Alike
from pipeline.questions.differences.trending import Trends
from pipeline.questions.flows import ScenarioFlow
from pipeline.questions.narrowing import Asking
from pipeline.questions.question import (
    Aggregate,
    Coach,
    Compare,
    Flow,
    Query,
    Question,
    ReadTranscript,
    Rows,
    Search,
    ShowCall,
    Similar,
    Trend,
)
from pipeline.store.answers import (
    CallRow,
    CallView,
    Found,
    FoundIntent,
    FoundSuggestion,
    StoredTranscript,
    Utterance,
)

Q = TypeVar("Q", bound=Question)


class Answers(Protocol):
    """Answers questions, to whoever it was made for.

    Raises:
        Retryable: the store, or the gateway before it, is away.
        NoField: a field or a value that is not there.
        Unknown: a name that is not in the store.
        TooWide: more than one question may go through.
    """

    async def answer(self, question: Question) -> Any: ...  # noqa: ANN401 - each kind has an answer of its own, KINDS says which


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question: who answers it, and with what; ``answers`` depends on what a query lists."""

    ask: Callable[[Asking, Any], Awaitable[Any]]
    answers: Callable[[Any], Any]


_ROWS: Final[Mapping[str, Any]] = {
    "calls": Found[CallRow],
    "utterances": Found[Utterance],
    "intents": Found[FoundIntent],
    "suggestions": Found[FoundSuggestion],
}


def _always(answer: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - a type, as a dataclass or a generic one
    return lambda _: answer


KINDS: Final[Mapping[type[Question], Kind]] = {
    Search: Kind(searching.search, _always(Found[Utterance])),
    Query: Kind(querying.query, lambda question: _ROWS[question.of]),
    Rows: Kind(row_pages.rows, _always(RowPage)),
    Aggregate: Kind(aggregating.aggregate, _always(Aggregated)),
    Compare: Kind(comparing.compare, _always(Compared)),
    Trend: Kind(trending.trend, _always(Trends)),
    Similar: Kind(likeness.similar, _always(Found[Alike])),
    Coach: Kind(coach.coach, _always(Coached)),
    Flow: Kind(flows.flow, _always(ScenarioFlow)),
    ShowCall: Kind(one_call.show, _always(CallView)),
    ReadTranscript: Kind(one_call.read, _always(StoredTranscript)),
}


class StoredAnswers:
    """``Answers`` from the store."""

    def __init__(
        self, store: VectorStore, asker: Asker, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._asker = asker
        self._now = now

    async def answer(self, question: Question) -> Any:  # noqa: ANN401 - see Answers
        return await KINDS[type(question)].ask(self.asking(), question)

    def asking(self) -> Asking:
        """Of whom, by whom and when, for who asks now."""
        return Asking(self._store, self._asker, self._now())
