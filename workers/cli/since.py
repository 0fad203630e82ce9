"""Options that take an instant: a time ago such as ``7d``, or a date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click


class Since(click.ParamType):
    """An instant: a time ago such as ``7d``, or a date."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's own
        from pipeline.questions.condition import parse_since

        try:
            return value if isinstance(value, datetime) else parse_since(value, datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)
