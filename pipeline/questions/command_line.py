"""A question as the command line that asks it, and that can be typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from pipeline.questions.condition import Condition
from pipeline.questions.question import (
    Aggregate,
    Asked,
    Coach,
    Compare,
    Flow,
    Query,
    ReadTranscript,
    Search,
    ShowCall,
    Similar,
    Trend,
)

Typed = Search | Query | Aggregate | Compare | Trend | Similar | Coach | Flow | ShowCall | ReadTranscript
"""The questions that have a command; pages of an export have none."""


def command_line(question: Typed) -> list[str]:
    """The arguments after ``convmine``; options that have their default value are left out."""
    command, names, own = _COMMANDS[type(question)](question)
    options = [*own, *_shared(question)] if isinstance(question, Asked) else own
    # A name that begins with a dash would be taken for an option.
    return [*command, *options, *(["--"] if any(name.startswith("-") for name in names) else []), *names]


_Parts = tuple[list[str], list[str], list[str]]
"""The command, what it is about, and the options of its own."""


def _search(question: Search) -> _Parts:
    return ["search"], [question.text], _limit(question)


def _query(question: Query) -> _Parts:
    options = [*_given(question, "of"), *_given(question, "sort"), *_limit(question), *_given(question, "after")]
    return ["query"], [], options


def _aggregate(question: Aggregate) -> _Parts:
    by = ["--by", ",".join(question.by)] if question.by else []
    return ["aggregate"], [], [*by, *_given(question, "metric"), *_given(question, "of"), *_limit(question)]


def _compare(question: Compare) -> _Parts:
    return ["compare"], [], [*_conditions("--a", question.a), *_conditions("--b", question.b), *_limit(question)]


def _trend(question: Trend) -> _Parts:
    return ["trend"], [], [*_given(question, "by"), *_given(question, "period"), *_limit(question)]


def _similar(question: Similar) -> _Parts:
    return ["similar"], [question.call], _limit(question)


def _coach(question: Coach) -> _Parts:
    return ["coach"], [], ["--agent", question.agent, *_limit(question)]


def _flow(question: Flow) -> _Parts:
    return ["flow", "show"], [], ["--scenario", question.scenario]


def _call(question: ShowCall) -> _Parts:
    return ["calls", "show"], [question.call], []


def _transcript(question: ReadTranscript) -> _Parts:
    return ["calls", "transcript"], [question.call], []


_COMMANDS: Final[Mapping[type[Typed], Callable[[Any], _Parts]]] = {
    Search: _search,
    Query: _query,
    Aggregate: _aggregate,
    Compare: _compare,
    Trend: _trend,
    Similar: _similar,
    Coach: _coach,
    Flow: _flow,
    ShowCall: _call,
    ReadTranscript: _transcript,
}


def _shared(question: Asked) -> list[str]:
    return [*_conditions("--where", question.where), *_given(question, "outcomes")]


def _limit(question: Asked) -> list[str]:
    return _given(question, "limit")


def _conditions(option: str, conditions: Iterable[Condition]) -> list[str]:
    return [argument for condition in conditions for argument in (option, str(condition))]


def _given(question: Asked, name: str) -> list[str]:
    value = getattr(question, name)
    return [] if value == type(question).model_fields[name].default else [f"--{name}", str(value)]
