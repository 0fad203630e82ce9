"""How discovered clusters are shown to people: a table, what was left out, and how to propose one."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.output import plain, print_table
from workers.cli.questions.search import say_empty

if TYPE_CHECKING:
    from pipeline.discovery.clusters import Cluster, Clusters
    from pipeline.discovery.trends import ClusterTrend
    from pipeline.discovery.uncovered import Uncovered
    from pipeline.discovery.utterance_file import LeftOut

_LISTED: Final = 20
"""Broken rows that people are shown; programs get all."""
_QUOTE: Final = 100
"""Characters of a quote in the table."""
_QUOTES: Final = 3
"""Quotes of a cluster that is accepted."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Clusters, and what they were made of: rows of a file, or stored calls."""

    clusters: Clusters
    left_out: tuple[LeftOut, ...] = ()
    read: Uncovered | None = None

    def document(self) -> dict[str, Any]:
        """As JSON can hold it."""
        found = dataclasses.asdict(self.clusters)
        if self.read is None:
            return {**found, "left_out": [dataclasses.asdict(one) for one in self.left_out]}
        counts = ("read", "covered", "trivial", "is_sample", "emptied_by")
        return {**found, **{name: getattr(self.read, name) for name in counts}}


def print_clusters(found: Discovery, accepted: Sequence[int]) -> None:
    """The clusters, or those that are accepted with more of their quotes; on standard error what was left out."""
    clusters = found.clusters.clusters
    if accepted:
        for one in (clusters[number - 1] for number in dict.fromkeys(accepted)):
            click.echo(f"{one.id}  {plain(one.name)}: {one.size:,} utterances")
            for quote in one.examples[:_QUOTES]:
                click.echo(f"   {plain(quote)}")
    elif clusters:
        _print_table(clusters, is_stored=found.read is not None)
    if found.read is not None:
        _tell_read(found.read, is_empty=not clusters)
    for left in found.left_out[:_LISTED]:
        click.echo(f"line {left.line} left out: {plain(left.why)}", err=True)
    if (more := len(found.left_out) - _LISTED) > 0:
        click.echo(f"and {more:,} more lines; --json lists all", err=True)


def print_hint(found: Discovery, since: datetime | None, until: datetime | None) -> None:
    """How one of the clusters is proposed, on standard error: of the same calls, however late it is by then."""
    command = ["convmine", *(one for one in sys.argv[1:] if one != "--json")]
    if found.read is not None:  # an option that is there twice counts as it is there last
        command += ["--since", since.isoformat(timespec="seconds")] if since else []
        command += ["--until", (until or datetime.now(UTC)).isoformat(timespec="seconds")]
    command += ["--accept", "N", *([] if "--scenario" in command else ["--scenario", "NAME"])]
    shown = shlex.join([*command, "--seen", found.clusters.seen])
    click.echo(f"to propose one as an intent: {plain(shown)}", err=True)


def _print_table(clusters: Sequence[Cluster], *, is_stored: bool) -> None:
    if is_stored:
        columns: tuple[str, ...] = ("#", "name", "size", "calls", "trend", "typical")
        print_table(
            columns,
            ((one.id, one.name, f"{one.size:,}", one.calls, _trend(one.trend), _quote(one)) for one in clusters),
        )
        return
    print_table(
        ("#", "name", "size", "typical"), ((one.id, one.name, f"{one.size:,}", _quote(one)) for one in clusters)
    )


def _quote(cluster: Cluster) -> str:
    quote = plain(cluster.examples[0])
    return quote if len(quote) <= _QUOTE else f"{quote[: _QUOTE - 1]}\u2026"


def _trend(trend: ClusterTrend | None) -> str:
    """``▁▂▅ rising`` with points of percent a week, where it is surely one."""
    from workers.cli.questions.charts import columns
    from workers.cli.questions.contrast_table import points_said

    if trend is None:
        return "-"
    drawn = columns([count / of if of else None for count, of in zip(trend.calls, trend.of, strict=True)])
    points = "" if trend.direction == "steady" else f" {points_said(trend.slope.points)} a week"
    return f"{drawn} {trend.direction}{points}"


def _tell_read(read: Uncovered, *, is_empty: bool) -> None:
    if not read.read:
        say_empty(read.emptied_by)
        return
    calls = sum(map(len, read.calls.values()))
    left = f"{read.covered:,} covered by intents, {read.trivial:,} trivial"
    click.echo(f"{read.read:,} utterances of {calls:,} calls; left out: {left}", err=True)
    if read.is_sample:
        click.echo(f"there are more: these {len(read.said):,} are a sample; narrow it with --since", err=True)
    if is_empty:
        click.echo("nothing is left: the taxonomy covers what was said", err=True)
