"""Questions as the parameters of a path and a query: made from the questions themselves, so that both stay one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, TypeVar, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from pipeline.questions.condition import Condition, parse_condition, parse_since
from pipeline.questions.question import Question

Q = TypeVar("Q", bound=Question)

_CONDITIONS: Final = tuple[Condition, ...]
_WRITTEN: Final = "such as role=customer, intent!=greeting, started>=7d; repeat it for more"


def parameters_of(kind: type[Question], without: frozenset[str], **more: Any) -> type[BaseModel]:  # noqa: ANN401 - types
    """What the query of a request may hold for this kind of question, but for what the path says.

    Conditions are written as on the command line, lists are repeated parameters; ``more`` are others, each with its
    type and what it is where it is not given.
    """
    fields: dict[str, Any] = {
        name: _parameter(field) for name, field in kind.model_fields.items() if name not in without | {"kind"}
    }
    config = ConfigDict(extra="forbid")
    return create_model(f"{kind.__name__}Parameters", __config__=config, **fields, **more)


def sign(endpoint: Callable[..., Any], **parameters: Any) -> None:  # noqa: ANN401 - types, as FastAPI reads them
    """Tell FastAPI the types of a page's parameters that are only known when it is made."""
    named = {"request": Request, **parameters}
    signature = Signature([Parameter(name, Parameter.KEYWORD_ONLY, annotation=type_) for name, type_ in named.items()])
    endpoint.__signature__ = signature  # type: ignore[attr-defined]  # what inspect.signature looks for first


def asked(kind: type[Q], given: Mapping[str, Any]) -> Q:
    """The question of these parameters.

    Raises:
        NoField: a condition cannot be asked.
        RequestValidationError: it is not valid.
    """
    try:
        conditions = {
            name: tuple(parse_condition(text) for text in given[name])
            for name in given
            if kind.model_fields[name].annotation == _CONDITIONS
        }
        return kind(**{**given, **conditions})
    except ValidationError as error:
        found = [{**one, "loc": ("query", *one["loc"])} for one in error.errors(include_url=False, include_input=False)]
        raise RequestValidationError(found) from None


def asked_since(since: str) -> datetime:
    """The time that the parameter ``since`` says, as ``7d`` or as a date.

    Raises:
        RequestValidationError: it is no time.
    """
    try:
        return parse_since(since, datetime.now(UTC))
    except ValueError as error:
        wrong: dict[str, Any] = {"type": "value_error", "loc": ("query", "since"), "msg": str(error)}
        raise RequestValidationError([wrong]) from None


def _parameter(field: FieldInfo) -> tuple[Any, Any]:
    if get_origin(field.annotation) is not tuple:
        return field.annotation, field
    description = field.description or ""
    if field.annotation == _CONDITIONS:
        description = f"{description} {_WRITTEN}"
    if field.is_required():
        return list[str], Field(min_length=1, max_length=20, description=description)
    return Annotated[list[str], Field(max_length=20)], Field(default_factory=list, description=description)
