"""What can be asked about, by the names that people use: in one table, with where each stands in the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from pipeline.errors import ConvmineError
from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from pipeline.store.known import nearest
from schemas.call import OutcomeResult
from schemas.suggestion import FeedbackKind
from schemas.wire import Direction, Lane, Role, Sentiment

Of = Literal["calls", "utterances", "intents", "suggestions"]
"""What is counted or listed; each is the collection of that name."""
OutcomeSource = Literal["inferred", "observed"]
"""Who says how a call ended: what mined it, or the customer's records and the agent."""
FieldType = Literal["name", "number", "time"]

RESULTS: Final = frozenset(OutcomeResult)


class NoField(ConvmineError):
    """A field or a value that questions do not have; the hint has those that are near."""


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a question can name.

    ``places`` has, of each collection that has it, the field of the payload. ``values`` are all that it can have, where
    they are few. A ``number`` and a ``time`` are compared, a ``name`` is counted by.
    """

    name: str
    meaning: str
    places: Mapping[str, str]
    type: FieldType = "name"
    values: frozenset[str] = frozenset()


def _everywhere(field: str) -> dict[str, str]:
    return dict.fromkeys((CALLS, UTTERANCES, INTENTS, SUGGESTIONS), field)


def _names(*kinds: type[Role | Sentiment | Lane | Direction | FeedbackKind]) -> frozenset[str]:
    return frozenset(str(one) for kind in kinds for one in kind)


_OUTCOME: Final = "outcome"
_FIELDS: Final = (
    Field("call", "id of the call", _everywhere("call_id")),
    Field("scenario", "scenario of the call", _everywhere("scenario")),
    Field("language", "language of the call", _everywhere("language")),
    Field("agent", "pseudonym of the agent", _everywhere("agent")),
    Field("team", "team of the agent", _everywhere("team")),
    Field("queue", "queue that the call came through", _everywhere("queue")),
    Field("campaign", "campaign of the call", _everywhere("campaign")),
    Field("customer", "pseudonym of the customer", _everywhere("customer_id")),
    Field("direction", "who called whom", _everywhere("direction"), values=_names(Direction)),
    Field("lane", "heard live, or a recording", _everywhere("lane"), values=_names(Lane)),
    Field("day", "day of the call, such as 2026-03-31 (UTC)", _everywhere("started_day")),
    Field("week", "ISO week of the call, such as 2026-W14", _everywhere("started_week")),
    Field("month", "month of the call, such as 2026-03", _everywhere("started_month")),
    Field("started", "when the call began: 7d ago, or a date", _everywhere("started_ts"), "time"),
    Field("role", "who said it", {UTTERANCES: "role", INTENTS: "role"}, values=_names(Role)),
    Field("intent", "name of the intent", {INTENTS: "name", CALLS: "intents"}),
    Field("topic", "topic of the intent", {INTENTS: "topic", CALLS: "topics"}),
    Field("objection", "topic of an objection", {CALLS: "objection_topics"}),
    Field("unanswered", "topic of an objection that was not, or only partly, answered", {CALLS: "objections_open"}),
    Field("sentiment", "tone of the intent", {INTENTS: "sentiment"}, values=_names(Sentiment)),
    Field("confidence", "how sure the intent is, 0 to 1", {INTENTS: "confidence"}, "number"),
    Field(_OUTCOME, "how the call ended: won, lost, open, or a name", {CALLS: _OUTCOME}),
    Field("duration", "length of the call in seconds", {CALLS: "duration_s"}, "number"),
    Field("compliance", "required phrase missing, or word to look at", {CALLS: "compliance"}),
    Field("failed", "stage that failed on the call", {CALLS: "failed_stage"}),
    Field("extractor", "what mined it", {CALLS: "extractor", INTENTS: "extractor"}),
    Field("model", "language model that mined it", {CALLS: "model", INTENTS: "model"}),
    Field("prompt", "version of the prompt", {CALLS: "prompt_version", INTENTS: "prompt_version"}),
    Field("card", "playbook card of the suggestion", {SUGGESTIONS: "card_id"}),
    Field("feedback", "what the agent did with it", {SUGGESTIONS: "feedback"}, values=_names(FeedbackKind)),
)
FIELDS: Final[Mapping[str, Field]] = {field.name: field for field in _FIELDS}


def field_named(name: str) -> Field:
    """The field of this name.

    Raises:
        NoField: there is none; the hint has the nearest.
    """
    field = FIELDS.get(name)
    if field is None:
        near = ", ".join(nearest(name, FIELDS))
        raise NoField(f"there is no field {name!r}", hint=f"nearest: {near}; all: {', '.join(FIELDS)}")
    return field


def countable(name: str, of: Of, outcomes: OutcomeSource = "inferred") -> str:
    """The field of the payload by which these can be counted: how calls ended, as won, lost or open.

    Raises:
        NoField: there is no such field, it is not one of these, or it is no name.
    """
    field = field_named(name)
    if field.type != "name" or field.name == "call":
        raise NoField(f"{name} is nothing to count by", hint=f"what can be counted by: {_countable(of)}")
    if of not in field.places:
        others = ", ".join(field.places)
        raise NoField(f"{of} have no field {name}", hint=f"ask it of {others}; {of} are counted by: {_countable(of)}")
    return place_of_outcome(outcomes, result=True) if name == _OUTCOME else field.places[of]


def _countable(of: Of) -> str:
    return ", ".join(one.name for one in _FIELDS if of in one.places and one.type == "name" and one.name != "call")


def place_of_outcome(source: OutcomeSource, *, result: bool) -> str:
    """The field of a call's payload with how it ended: as won, lost or open, or by its scenario's name for it."""
    return f"outcome_{source}_result" if result else f"outcome_{source}"
