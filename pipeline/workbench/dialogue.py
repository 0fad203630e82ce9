"""A conversation as people write one down, a line a turn (``agent: …``, ``customer: …``), and a template of one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pipeline.scenarios.prompt import filled, variables_of
from pipeline.workbench.written_calls import TURN_MS, WrittenTurn
from schemas.wire import Role

_LINE: Final = re.compile(rf"\s*(?P<role>{'|'.join(Role)})\s*[:\uff1a]\s*(?P<text>.*?)\s*", re.IGNORECASE)


class DialogueError(ValueError):
    """A dialogue or a template of one cannot be read; the message says what is wrong."""


def read_dialogue(text: str) -> tuple[WrittenTurn, ...]:
    """The turns one after the other, each of ``TURN_MS``; empty lines are none, nor are turns without a word.

    Raises:
        DialogueError: a line names nobody who speaks, or there is no turn.
    """
    said: list[tuple[Role, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        if (found := _LINE.fullmatch(line)) is None:
            raise DialogueError(f"line {number} of the dialogue does not begin with a role, such as 'agent:'")
        if found["text"]:
            said.append((Role(found["role"].lower()), found["text"]))
    if not said:
        raise DialogueError("the dialogue has no turn: write lines such as 'customer: it is too expensive'")
    return tuple(
        WrittenTurn(role=role, text=words, start_ms=number * TURN_MS, end_ms=(number + 1) * TURN_MS)
        for number, (role, words) in enumerate(said)
    )


def variables_in(template: str) -> tuple[str, ...]:
    """The names that a template of a dialogue uses.

    Raises:
        DialogueError: it cannot be read.
    """
    from jinja2 import TemplateSyntaxError

    try:
        return variables_of(template)
    except TemplateSyntaxError as error:
        raise DialogueError(f"the template cannot be read: {error.message} (line {error.lineno})") from None


def dialogue_of(template: str, values: Mapping[str, object]) -> tuple[WrittenTurn, ...]:
    """The turns that a template makes of these values; it runs in the sandbox of prompts.

    Raises:
        DialogueError: the template refuses, or makes no dialogue.
    """
    from jinja2 import TemplateError

    try:
        text = filled(template, values)
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:  # what its expressions may raise
        raise DialogueError(f"the template: {error}") from None
    return read_dialogue(text)
