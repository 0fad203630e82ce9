"""What a language model makes of a question in words: the JSON Schema of its answer, and reading it."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.llm.guarded import AnswerInvalid
from pipeline.llm.strict_schema import strict
from pipeline.llm.tolerant_json import read_json
from pipeline.questions.condition import Condition, check
from pipeline.questions.counts.aggregating import places_of
from pipeline.questions.differences.trending import place_of
from pipeline.questions.fields import NoField
from pipeline.questions.querying import order_of
from pipeline.questions.question import Aggregate, Asked, Coach, Compare, Query, Search, Similar, Trend
from pipeline.questions.refusal import refusal
from pipeline.questions.wording.vocabulary import Names, check_names

Meant = Search | Query | Aggregate | Trend | Compare | Similar | Coach
"""What words can be put as."""
_PERIODS: Final = {"day": r"\d{4}-\d{2}-\d{2}", "week": r"\d{4}-W\d{2}", "month": r"\d{4}-\d{2}"}


class Declined(BaseModel):
    """What was asked cannot be put as a question; ``why`` is one sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["none"] = "none"
    why: Annotated[str, Field(min_length=1, max_length=300)]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Annotated[Meant | Declined, Field(discriminator="kind")]


@cache
def question_schema() -> dict[str, Any]:
    """JSON Schema in the subset that strict modes take; it is the same object for everybody, and not to be changed."""
    schema = _Answer.model_json_schema()
    schema["$defs"]["Query"]["properties"].pop("after")  # a mark that only the page before can give
    return dict(strict(schema))


def read_question(text: str, names: Names) -> Meant | Declined:
    """The question in the model's answer, with fields and names that there are.

    Raises:
        AnswerInvalid: it is not what was asked for; says where, and what would be right.
    """
    try:
        question = _Answer.model_validate(read_json(text)).question
    except ValidationError as error:
        raise AnswerInvalid(refusal(error)) from error
    if isinstance(question, Declined):
        return question
    try:
        _check(question, names)
    except NoField as error:
        raise AnswerInvalid(error.in_one_line) from error
    return question.model_copy(update={"after": None}) if isinstance(question, Query) else question


def _check(question: Asked, names: Names) -> None:
    """Raises NoField where it names what there is not, or cannot be counted or sorted so."""
    for condition in _conditions_of(question):
        check(condition)
        _check_period(condition)
        check_names(condition, names, question.outcomes)
    match question:
        case Aggregate():
            places_of(question)
        case Trend():
            place_of(question)
        case Query(sort=str(sort)):
            order_of(sort, question.of)
        case Coach():
            check_names(Condition(field="agent", values=(question.agent,)), names, question.outcomes)


def _check_period(condition: Condition) -> None:
    pattern = _PERIODS.get(condition.field)
    for value in condition.values if pattern else ():
        if not re.fullmatch(pattern or "", value):
            raise NoField(f"{condition}: {value!r} is no {condition.field}", hint="dates go with started >= and <")


def _conditions_of(question: Asked) -> tuple[Condition, ...]:
    """All conditions of a question."""
    if isinstance(question, Compare):
        return (*question.where, *question.a, *question.b)
    return question.where
