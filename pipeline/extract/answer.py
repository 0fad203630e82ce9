"""The answer that a language model must give: its JSON Schema, and reading it with errors that a model understands."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.llm.guarded import AnswerInvalid
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
    """How the conversation ended."""

    name: str
    segment: str
    quote: str


class Answer(_Answer):
    """The whole answer; ``topics`` are worked out from the intents and read only because prompts ask for them."""

    intents: tuple[AnsweredIntent, ...]
    entities: tuple[AnsweredEntity, ...]
    topics: tuple[str, ...]
    outcome: AnsweredOutcome | None
    summary: str


def answer_schema(edition: Edition) -> dict[str, Any]:
    """JSON Schema in the subset that strict modes take: nothing optional, nothing additional, names enumerated."""
    schema = deepcopy(_schema())
    names = _names(edition)
    parts: dict[str, Any] = schema["$defs"]
    for model, field in (("AnsweredIntent", "intent"), ("AnsweredEntity", "entity"), ("AnsweredOutcome", "name")):
        # A strict mode refuses an empty enumeration; a taxonomy without entities leaves the field open.
        if names[f"{model}.{field}"]:
            parts[model]["properties"][field]["enum"] = list(names[f"{model}.{field}"])
    return schema


@cache
def _schema() -> dict[str, Any]:
    return Answer.model_json_schema()


def read_answer(text: str, edition: Edition) -> Answer:
    """The answer, with names that the taxonomy knows.

    Raises:
        AnswerInvalid: it is not what was asked for.
    """
    try:
        answer = Answer.model_validate(json.loads(_without_fence(text)))
    except json.JSONDecodeError as error:
        raise AnswerInvalid(f"no JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise AnswerInvalid("no JSON: nested too deeply") from error
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


def _without_fence(text: str) -> str:
    """A model in plain mode likes to put its JSON in a code fence, in spite of being told not to."""
    text = text.strip()
    if text.startswith("```") and text.endswith("```"):
        return text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    return text
