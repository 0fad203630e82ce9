"""How the answer to any question is printed: as the command of its kind prints it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from pipeline.questions.model_answer import Meant

_PRINTERS: Final[Mapping[str, str]] = {
    "search": "workers.cli.search",
    "query": "workers.cli.query",
    "aggregate": "workers.cli.aggregate",
    "trend": "workers.cli.trend",
    "compare": "workers.cli.compare",
    "similar": "workers.cli.similar",
    "coach": "workers.cli.coach",
}
"""The module of each kind's command, whose ``print_answer`` prints its answer."""


def print_answer(question: Meant, answer: Any) -> None:  # noqa: ANN401 - each kind of question has an answer of its own
    """Print the answer for people."""
    importlib.import_module(_PRINTERS[question.kind]).print_answer(question, answer)
