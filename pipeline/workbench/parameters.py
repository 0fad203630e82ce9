"""The parameters that people give values of: a prompt's own, which nothing else fills in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pipeline.extract.prompting import FILLED
from pipeline.scenarios.prompt import Prompt
from pipeline.workbench.matrix import Value


class ParameterError(ValueError):
    """A value is given that has no place, or is not of its kind; the message says what there is."""


def own_parameters(prompt: Prompt) -> tuple[str, ...]:
    """Those that a prompt declares, besides what the scenario and the conversation fill in."""
    return tuple(name for name in prompt.parameters if name not in FILLED)


def own_values(prompt: Prompt, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of these values those of a prompt's own parameters."""
    return {name: given[name] for name in own_parameters(prompt) if name in given}


def check_declared(given: Collection[str], declared: Collection[str], where: str) -> None:
    """Refuse names that nothing declares.

    Raises:
        ParameterError: there are some.
    """
    if unknown := sorted(set(given) - set(declared)):
        there_are = ", ".join(sorted(declared)) or "none"
        raise ParameterError(f"no parameter {', '.join(unknown)} is declared in {where}; there are {there_are}")


def typed(name: str, text: str, prompt: Prompt) -> Value:
    """A value as it is typed, of the kind that the prompt's default has; a text where there is none.

    Raises:
        ParameterError: it is not of that kind.
    """
    default = prompt.defaults.get(name, "")
    if isinstance(default, bool):
        if text.lower() not in {"true", "false"}:
            raise ParameterError(f"{name}={text}: expected true or false, as its default is {str(default).lower()}")
        return text.lower() == "true"
    try:
        return type(default)(text)
    except ValueError:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise ParameterError(f"{name}={text}: expected {kind}, as its default is {default}") from None
