"""The answer that a language model must give: its JSON Schema, and reading it with errors that a model understands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.llm.guarded import AnswerInvalid
from pipeline.llm.tolerant_json import read_json
from pipeline.scenarios.model import Edition


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AnsweredIntent(_Answer):
    """One intent with the segment and the words it stands on."""

    segment: str
    intent: str
    quote: str
    confidence: float = Field(ge=0, le=1)


class AnsweredEntity(_Answer):
    """One slot, as it was said."""

    segment: str
    entity: str
    value: str


class AnsweredOutcome(_Answer):
    """How the conversation ended, the words that say so, and why they do."""

    name: str
    segment: str
    quote: str
    reason: str = ""


class AnsweredReply(_Answer):
    """The agent's words on an objection."""

    segment: str
    quote: str


class AnsweredObjection(_Answer):
    """What the customer held against it, and what became of that."""

    segment: str
    quote: str
    handling: Literal["answered", "partly", "ignored"]
    reply: AnsweredReply | None


class AnsweredFollowUp(_Answer):
    """What a side is going to do; ``due_said`` are its words for when."""

    segment: str
    quote: str
    kind: Literal["promise", "next_step"]
    what: str
    due_said: str | None


class Answer(_Answer):
    """The whole answer; ``topics`` are worked out from the intents and read only because prompts ask for them.

    What has a default is asked for as well, and is forgiven where it is missing: a prompt of somebody's own may be
    older than it.
    """

    intents: tuple[AnsweredIntent, ...]
    entities: tuple[AnsweredEntity, ...]
    topics: tuple[str, ...]
    objections: tuple[AnsweredObjection, ...] = ()
    follow_ups: tuple[AnsweredFollowUp, ...] = ()
    outcome: AnsweredOutcome | None
    summary: str


def answer_schema(edition: Edition) -> dict[str, Any]:
    """JSON Schema in the subset that strict modes take: nothing optional, nothing additional, names enumerated.

    It is the same object for everybody, and not to be changed.
    """
    return _schema_of(tuple(_names(edition).items()))


@lru_cache(maxsize=64)
def _schema_of(named: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, Any]:
    schema, names = Answer.model_json_schema(), dict(named)
    parts: dict[str, Any] = schema["$defs"]
    for part in (schema, *parts.values()):
        part["required"] = list(part["properties"])
        for field in part["properties"].values():
            field.pop("default", None)
    for model, field in (("AnsweredIntent", "intent"), ("AnsweredEntity", "entity"), ("AnsweredOutcome", "name")):
        # A strict mode refuses an empty enumeration; a taxonomy without entities leaves the field open.
        if names[f"{model}.{field}"]:
            parts[model]["properties"][field]["enum"] = list(names[f"{model}.{field}"])
    return schema


def read_answer(text: str, edition: Edition) -> Answer:
    """The answer, with names that the taxonomy knows.

    Raises:
        AnswerInvalid: it is not what was asked for.
    """
    try:
        answer = Answer.model_validate(read_json(text))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[:5]
        raise AnswerInvalid(
            "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the answer'}: {one['msg']}" for one in found)
        ) from error
    _check_names(answer, edition)
    return answer


def _check_names(answer: Answer, edition: Edition) -> None:
    names = _names(edition)
    given = [
        *((f"intents.{n}.intent", one.intent, "AnsweredIntent.intent") for n, one in enumerate(answer.intents)),
        *((f"entities.{n}.entity", one.entity, "AnsweredEntity.entity") for n, one in enumerate(answer.entities)),
    ]
    if answer.outcome is not None:
        given.append(("outcome.name", answer.outcome.name, "AnsweredOutcome.name"))
    for where, name, kind in given:
        if name not in names[kind]:
            raise AnswerInvalid(f"{where}: {name!r} is not one of {', '.join(names[kind]) or 'none'}")


def _names(edition: Edition) -> Mapping[str, tuple[str, ...]]:
    taxonomy = edition.taxonomy
    return {
        "AnsweredIntent.intent": tuple(intent.name for intent in taxonomy.intents),
        "AnsweredEntity.entity": tuple(entity.name for entity in taxonomy.entities),
        "AnsweredOutcome.name": tuple(outcome.name for outcome in taxonomy.outcomes),
    }
