"""Every question as a value: what is asked, and what its answer is read as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, TypeVar, cast

from convmine_client.answers import (
    Aggregated,
    Alike,
    CallRow,
    CallView,
    Coached,
    Compared,
    FoundIntent,
    FoundSuggestion,
    ScenarioFlow,
    SqlAnswer,
    StoredTranscript,
    Trends,
    Utterance,
    Vocabulary,
)
from convmine_client.conditions import Condition

T = TypeVar("T")
Of = Literal["calls", "utterances", "intents", "suggestions"]
Outcomes = Literal["inferred", "observed"]
Where = Sequence[Condition]


@dataclass(frozen=True)
class Question(Generic[T]):
    """A request and how its answer is read; asking it changes nothing, so it may be asked again."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    read: Callable[[Any], T]


@dataclass(frozen=True)
class Page(Generic[T]):
    """Rows, and the mark to go on from; of an empty answer ``emptied_by`` is the condition that left nothing."""

    items: list[T]
    next: str | None = None
    emptied_by: str | None = None


@dataclass(frozen=True)
class Rows(Question[Page[T]]):
    """A question whose answer comes page by page."""

    def after(self, mark: str) -> Rows[T]:
        """The same question from a mark on."""
        return replace(self, body={**(self.body or {}), "after": mark})


@dataclass(frozen=True)
class Meant:
    """The question that words mean: ``command`` shows it, ``Client.answer(question)`` asks it, as plain JSON."""

    command: str
    body: Mapping[str, Any]
    question: Question[Any]


def search(
    text: str, *, where: Where = (), outcomes: Outcomes = "inferred", limit: int = 10
) -> Question[Page[Utterance]]:
    """What was said, by meaning and by word; best first."""
    return _question("search", _page(Utterance), text=text, where=where, outcomes=outcomes, limit=limit)


def calls(
    *,
    where: Where = (),
    outcomes: Outcomes = "inferred",
    sort: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Rows[CallRow]:
    """Calls, by ``sort``: a field that is a number or a time, ``-`` before it for the highest first."""
    return _rows("calls", CallRow, where=where, outcomes=outcomes, sort=sort, limit=limit, after=after)


def utterances(
    *,
    where: Where = (),
    outcomes: Outcomes = "inferred",
    sort: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Rows[Utterance]:
    """What was said, turn by turn."""
    return _rows("utterances", Utterance, where=where, outcomes=outcomes, sort=sort, limit=limit, after=after)


def intents(
    *,
    where: Where = (),
    outcomes: Outcomes = "inferred",
    sort: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Rows[FoundIntent]:
    """Extracted intents, each with the words that it stands on."""
    return _rows("intents", FoundIntent, where=where, outcomes=outcomes, sort=sort, limit=limit, after=after)


def suggestions(
    *,
    where: Where = (),
    outcomes: Outcomes = "inferred",
    sort: str | None = None,
    limit: int = 50,
    after: str | None = None,
) -> Rows[FoundSuggestion]:
    """Suggestions, and what became of them."""
    return _rows("suggestions", FoundSuggestion, where=where, outcomes=outcomes, sort=sort, limit=limit, after=after)


def aggregate(  # noqa: PLR0913 - the fields of the question, each named
    *,
    where: Where = (),
    outcomes: Outcomes = "inferred",
    of: Of = "calls",
    by: Sequence[str] = (),
    metric: Literal["count", "share", "win_rate", "avg_handle_time"] = "count",
    limit: int = 50,
) -> Question[Aggregated]:
    """Counts, shares, win rates or handle times, by one or two fields."""
    return _question(
        "aggregate", _as(Aggregated), where=where, outcomes=outcomes, of=of, by=list(by), metric=metric, limit=limit
    )


def similar(call: str, *, where: Where = (), outcomes: Outcomes = "inferred", limit: int = 10) -> Question[Page[Alike]]:
    """The calls that are most like one."""
    return _question("similar", _page(Alike), call=call, where=where, outcomes=outcomes, limit=limit)


def compare(
    a: Where, b: Where, *, where: Where = (), outcomes: Outcomes = "inferred", limit: int = 20
) -> Question[Compared]:
    """In what two sets of calls differ."""
    return _question("compare", _as(Compared), a=list(a), b=list(b), where=where, outcomes=outcomes, limit=limit)


def trend(
    *,
    where: Where = (),
    outcomes: Outcomes = "inferred",
    by: str = "intent",
    period: Literal["day", "week", "month"] = "week",
    limit: int = 20,
) -> Question[Trends]:
    """What is rising and what is falling."""
    return _question("trend", _as(Trends), where=where, outcomes=outcomes, by=by, period=period, limit=limit)


def coach(agent: str, *, where: Where = (), outcomes: Outcomes = "inferred", limit: int = 10) -> Question[Coached]:
    """An agent beside the best of the team."""
    return _question("coach", _as(Coached), agent=agent, where=where, outcomes=outcomes, limit=limit)


def flow(scenario: str, *, where: Where = (), outcomes: Outcomes = "inferred") -> Question[ScenarioFlow]:
    """How the calls of a scenario go, step by step."""
    return _question("flow", _as(ScenarioFlow), scenario=scenario, where=where, outcomes=outcomes)


def call(call: str) -> Question[CallView]:
    """Everything that is stored of one call."""
    return _question("call", _as(CallView), call=call)


def transcript(call: str) -> Question[StoredTranscript]:
    """The words of one call, masked."""
    return _question("transcript", _as(StoredTranscript), call=call)


def ask(text: str, *, language: Literal["en", "zh"] | None = None) -> Question[Meant]:
    """Which question plain words mean, by the gateway's language model; it is not asked yet."""
    return Question("POST", "v1/ask", {"text": text, "language": language}, _meant)


def sql(statement: str, *, limit: int | None = None) -> Question[SqlAnswer]:
    """The rows of a statement over the views calls, utterances, intents, suggestions and costs."""
    return Question("POST", "v1/sql", {"statement": statement, "limit": limit}, _as(SqlAnswer))


def fields() -> Question[Vocabulary]:
    """The fields that questions can name."""
    return Question("GET", "v1/fields", None, _as(Vocabulary))


def _question(kind: str, read: Callable[[Any], T], **asked: Any) -> Question[T]:  # noqa: ANN401 - whatever JSON can hold
    return Question("POST", "v1/questions", {"kind": kind, **_listed(asked)}, read)


def _rows(of: Of, row: type[T], **asked: Any) -> Rows[T]:  # noqa: ANN401 - likewise
    return Rows("POST", "v1/questions", {"kind": "query", "of": of, **_listed(asked)}, _page(row))


def _listed(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if name == "where" else value for name, value in asked.items()}


def _as(_: type[T]) -> Callable[[Any], T]:
    """Answers are JSON as it came; their types are what the gateway promises."""
    return lambda answer: cast("T", answer)


def _meant(answer: Any) -> Meant:  # noqa: ANN401 - whatever JSON can hold
    body = answer["question"]
    return Meant(answer["command"], body, Question("POST", "v1/questions", body, lambda told: told))


def _page(_: type[T]) -> Callable[[Any], Page[T]]:
    def read(answer: Any) -> Page[T]:  # noqa: ANN401 - likewise
        return Page(answer["items"], answer.get("next"), answer.get("emptied_by"))

    return read
