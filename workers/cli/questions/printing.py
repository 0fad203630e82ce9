"""How the answer to any question is printed: as the command of its kind prints it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Final

from pipeline.questions.wording.model_answer import Meant

_PRINTERS: Final[Mapping[str, str]] = {
    "search": "workers.cli.questions.search",
    "query": "workers.cli.questions.query",
    "aggregate": "workers.cli.questions.aggregate",
    "trend": "workers.cli.questions.trend",
    "compare": "workers.cli.questions.compare",
    "similar": "workers.cli.questions.similar",
    "coach": "workers.cli.questions.coach",
}
"""The module of each kind's command, whose ``print_answer`` prints its answer."""


def print_answer(question: Meant, answer: Any) -> None:  # noqa: ANN401 - each kind of question has an answer of its own
    """Print the answer for people."""
    importlib.import_module(_PRINTERS[question.kind]).print_answer(question, answer)
