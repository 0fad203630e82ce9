"""Every question, as a validated value: what a command line, an HTTP request, an assistant or a language model asks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.questions.condition import Condition
from pipeline.questions.fields import Of, OutcomeSource

Metric = Literal["count", "share", "win_rate", "avg_handle_time"]
Period = Literal["day", "week", "month"]
Name = Annotated[str, Field(min_length=1, max_length=200)]
FieldName = Annotated[str, Field(min_length=1, max_length=40)]
Conditions = Annotated[tuple[Condition, ...], Field(max_length=20)]
Limit = Annotated[int, Field(ge=1, le=1_000)]


class Asked(BaseModel):
    """What all questions share: conditions that hold together, and who is believed about how calls ended."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    where: Conditions = ()
    """Conditions, all of which must hold."""
    outcomes: OutcomeSource = "inferred"
    """Whether `outcome` and win rates are those inferred from the words, or those observed; they are never mixed."""


class Search(Asked):
    """What was said, by meaning and by word."""

    kind: Literal["search"] = "search"
    text: Annotated[str, Field(min_length=1, max_length=1_000)]
    """What is looked for, in the words that people might have used."""
    limit: Limit = 10
    """The most utterances."""


class Query(Asked):
    """Rows that match, page by page."""

    kind: Literal["query"] = "query"
    of: Of = "intents"
    """What is listed."""
    sort: FieldName | None = None
    """A time or number field, `-` before it for the highest first; where it is not given pages have an order of their
    own.
    """
    limit: Limit = 50
    """The most rows of a page."""
    after: Annotated[str, Field(max_length=50_000)] | None = None
    """The mark that the page before gave as next."""


class Rows(Asked):
    """Whole rows of a flat table, page by page, as they are exported."""

    kind: Literal["rows"] = "rows"
    of: Of = "calls"
    """The table."""
    limit: Annotated[int, Field(ge=1, le=5_000)] = 1_000
    """The most rows of a page."""
    after: Annotated[str, Field(max_length=50_000)] | None = None
    """The mark that the page before gave as next."""


class Aggregate(Asked):
    """Counts, shares, win rates or handle times, by one or two fields."""

    kind: Literal["aggregate"] = "aggregate"
    of: Of = "calls"
    """What is counted; each call counts once in all that it has."""
    by: Annotated[tuple[FieldName, ...], Field(max_length=2)] = ()
    """The fields that it is counted by."""
    metric: Metric = "count"
    """The figure; win rates and handle times (seconds) are of calls."""
    limit: Limit = 50
    """The most groups, largest first."""


class Similar(Asked):
    """The calls that are most like one."""

    kind: Literal["similar"] = "similar"
    call: Name
    """Id of the call."""
    limit: Limit = 10
    """The most calls."""


class Compare(Asked):
    """In what two sets of calls differ."""

    kind: Literal["compare"] = "compare"
    a: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=20)]
    """The calls of the one set."""
    b: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=20)]
    """The calls of the other."""
    limit: Limit = 20
    """The most differences of each kind."""


class Trend(Asked):
    """What is rising and what is falling."""

    kind: Literal["trend"] = "trend"
    by: FieldName = "intent"
    """Of what: a field that calls are counted by."""
    period: Period = "week"
    """The steps of time."""
    limit: Limit = 20
    """The most rows."""


class Coach(Asked):
    """An agent beside the best of the team."""

    kind: Literal["coach"] = "coach"
    agent: Name
    """Pseudonym of the agent."""
    limit: Limit = 10
    """The most rows of each kind."""


class Flow(Asked):
    """How the calls of a scenario go, step by step: which step follows which, how often, how soon, how they ended."""

    kind: Literal["flow"] = "flow"
    scenario: Name
    """Name of the scenario."""


class ShowCall(BaseModel):
    """Everything that is stored of one call."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Literal["call"] = "call"
    call: Name
    """Id of the call."""


class ReadTranscript(BaseModel):
    """The words of one call."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: Literal["transcript"] = "transcript"
    call: Name
    """Id of the call."""


Question = Search | Query | Rows | Aggregate | Similar | Compare | Trend | Coach | Flow | ShowCall | ReadTranscript
"""Any of them; ``kind`` says which."""
