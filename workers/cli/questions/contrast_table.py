"""Contrasts of two sets of calls for people: tables, and bars to both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

import click

from pipeline.moments import clock
from workers.cli.output import print_table

if TYPE_CHECKING:
    from pipeline.questions.differences.contrasts import Contrast, Quote, Share, What
    from workers.cli.questions.charts import Point


_LONGEST_QUOTE: Final = 90
_KINDS: Final[Mapping[What, str]] = {
    "won": "",
    "intent": "",
    "objection": "objection on ",
    "topic": "topic ",
    "handling": "answered objection on ",
    "phrase": "",
}
"""What goes before a name, where its kind is not in the title."""


def print_contrasts(
    title: str, contrasts: Sequence[Contrast], sides: tuple[str, str], *, are_mixed: bool = False
) -> None:
    """Those that are sure as a table with their examples, and how many others there are; nothing of none.

    ``are_mixed`` says that they are of several kinds, which is told.
    """
    if not contrasts:
        return
    click.echo(f"\n{title}")
    sure = [one for one in contrasts if one.is_sure]
    if sure:
        said = ("such as",) if any(one.example for one in sure) else ()
        print_table(
            ("", *sides, "points", "95 %", "odds", "p", *said),
            (_row(one, f"{_KINDS[one.what]}{one.name}" if are_mixed else one.name) for one in sure),
        )
    if rest := len(contrasts) - len(sure):
        click.echo(f"  {'no sure difference' if not sure else 'none that is sure'} in {rest}: --json has them")


def share_said(share: Share) -> str:
    """A share in percent, with what it is made of."""
    return "-" if share.share is None else f"{share.share * 100:.0f}% ({share.calls:,}/{share.of:,})"


def points_said(share: float) -> str:
    """A difference of two shares in points."""
    return f"{share * 100:+.1f}"


def p_said(p: float | None) -> str:
    """A p, adjusted or not; the smallest are all alike."""
    if p is None:
        return "-"
    return "<0.001" if p < 0.001 else f"{p:.3f}"  # noqa: PLR2004 - what three digits can say


def point_of(contrast: Contrast) -> Point:
    """The difference as a bar of a chart."""
    from workers.cli.questions.charts import Point

    apart = contrast.difference
    assert apart is not None
    name = f"{contrast.what} {contrast.name}" if contrast.role is None else f"{contrast.role}: {contrast.name}"
    return Point(name, apart.points, f"{points_said(apart.points)} points", apart.low, apart.high)


def _row(contrast: Contrast, name: str) -> tuple[str, ...]:
    apart = contrast.difference
    assert apart is not None
    return (
        name,
        share_said(contrast.a),
        share_said(contrast.b),
        points_said(apart.points),
        f"{points_said(apart.low)} to {points_said(apart.high)}",
        f"{apart.odds_ratio:.2g}",
        p_said(contrast.adjusted_p),
        *([_quoted(contrast.example)] if contrast.example else []),
    )


def _quoted(said: Quote) -> str:
    text = said.text if len(said.text) <= _LONGEST_QUOTE else said.text[: _LONGEST_QUOTE - 1] + "…"
    return f"{said.call_id} {clock(said.start_ms)} “{text}”"
