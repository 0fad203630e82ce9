"""Shares in percent on the command line."""

from __future__ import annotations

import re
from typing import Any

import click


class Percent(click.ParamType):
    """A share of the calls in percent, such as ``10%``, as a number below 1.

    Args:
        may_be_none: whether ``0%`` is one.
    """

    name = "percent"

    def __init__(self, *, may_be_none: bool = False) -> None:
        self._may_be_none = may_be_none

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - the signature is click's
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]+)?) ?%", str(value))
        share = float(found[1]) / 100 if found else None
        if share is None or not (share or self._may_be_none):
            least = "0% or more" if self._may_be_none else "above 0%"
            self.fail(f"{value!r} is no share {least} and below 100%, such as 10%", param, ctx)
        return share
