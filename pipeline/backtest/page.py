"""A back-test as one HTML page that needs nothing else: the figures, then the calls that differ, side by side.

What comes from calls is shown as text: the template escapes all that is put into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from pipeline.backtest.differing import DifferingCall
from pipeline.backtest.result import Backtest
from pipeline.backtest.table import figure_rows, score_rows
from pipeline.moments import clock

_TEMPLATE: Final = "page.html.jinja"


def page(backtest: Backtest, calls: Sequence[DifferingCall], notes: Sequence[str]) -> str:
    """The page, in English; what was said in a call is marked with the language that it is in.

    Args:
        backtest: the figures.
        calls: those that differ.
        notes: what a reader has to know of how to read the figures, a sentence each.
    """
    return str(
        _template().render(
            backtest=backtest,
            calls=calls,
            notes=notes,
            scores=score_rows(backtest),
            figures=figure_rows(backtest),
        )
    )


@cache
def _template() -> Any:  # noqa: ANN401 - the class is imported lazily
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["clock"] = clock
    return environment.from_string(files("pipeline.backtest").joinpath(_TEMPLATE).read_text(encoding="utf-8"))
