"""``convmine discover``: clusters of what the taxonomy does not cover, and proposals of intents made of them."""

from __future__ import annotations

import asyncio
import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from workers.cli.discover_table import Discovery, print_clusters, print_hint
from workers.cli.output import json_option, print_json
from workers.cli.questions.search import Condition
from workers.cli.since import Since

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.questions.condition import Condition as Asked
    from pipeline.settings import Settings
    from workers.cli.discover_accept import Accepted

Whose = Literal["customer", "agent", "both"]


class Number(click.ParamType):
    """``auto``, or how many clusters."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:  # noqa: ANN401 - click's own
        if value is None or value == "auto":
            return None
        if str(value).isdecimal() and int(value) > 0:
            return int(value)
        return self.fail(f"{value!r} is neither auto nor a number of clusters", param, ctx)


@click.command()
@click.option("--since", type=Since(), help="Calls begun since then: 7d, 12h, or a date.")
@click.option("--until", type=Since(), help="Calls begun before then.")
@click.option("--where", multiple=True, type=Condition(), help="A condition of the calls; all must hold.")
@click.option("--scenario", help="Calls of this scenario; whose taxonomy --accept adds to.")
@click.option("--role", type=click.Choice(["customer", "agent", "both"]), default="customer", show_default=True)
@click.option("--input", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSONL instead.")
@click.option("--k", "number", type=Number(), default="auto", show_default=True, help="How many clusters.")
@click.option("--accept", type=click.IntRange(1), multiple=True, help="Propose this cluster as an intent.")
@click.option("--seen", help="Accept only if the clusters are still those that were shown with this mark.")
@click.option("--name", help="Name of the one intent that is proposed.")
@click.option("--topic", help="Its topic; that of the nearest intent, where it is not given.")
@click.option("--language", help="Whose taxonomy it is added to; the scenario's first.")
@click.option(
    "--at",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("proposals"),
    show_default=True,
    help="Folder for the scenario with what is proposed.",
)
@json_option
def discover(  # noqa: PLR0913 - one argument an option
    *,
    since: datetime | None,
    until: datetime | None,
    where: tuple[Asked, ...],
    scenario: str | None,
    role: Whose,
    file: Path | None,
    number: int | None,
    accept: tuple[int, ...],
    as_json: bool,
    **proposal: Any,  # noqa: ANN401 - the options of a proposal by name
) -> None:
    """Find what callers say that the taxonomy has no intent for, in clusters that name themselves.

    Of stored calls: what no intent stands on, without greetings and the like. With --input: all utterances of a file,
    rows {"utterance_id": …, "utterance": …}. The same utterances give the same clusters. --accept writes the scenario
    with the cluster as one more intent, for a person to check and push; nothing is published.
    """
    from pipeline.settings import load

    if file is not None and (since or until or where):
        raise click.UsageError("--input has no calls: leave out --since, --until and --where")
    if proposal["name"] and len(accept) != 1:
        raise click.UsageError("--name is for one --accept")
    settings = load()
    found = asyncio.run(_found(settings, file, _conditions(since, until, where, scenario), role, number))
    proposed = None
    if accept:
        from workers.cli.discover_accept import Wanted, accepted

        proposed = accepted(settings, found.clusters, Wanted(accept, scenario, role, **proposal))
    if as_json:
        print_json({**found.document(), **({"proposal": dataclasses.asdict(proposed)} if proposed else {})})
        return
    print_clusters(found, accept)
    if proposed is not None:
        _say_accepted(proposed)
    elif found.clusters.clusters:
        print_hint(found, since, until)


async def _found(
    settings: Settings, file: Path | None, conditions: Sequence[Asked], role: Whose, number: int | None
) -> Discovery:
    from pipeline.discovery.clusters import clusters_of
    from pipeline.store.open import embedder_of

    embedder = embedder_of(settings)
    try:
        if file is not None:
            from pipeline.discovery.utterance_file import read_utterances

            rows = read_utterances(file)
            return Discovery(await clusters_of(rows.said, embedder, number), left_out=rows.left_out)
        from pipeline.discovery.stored import discovered
        from pipeline.discovery.uncovered import uncovered
        from workers.cli.questions.asking import answers_of

        async with answers_of(settings) as answers:
            read = await uncovered(answers, conditions, role)
        return Discovery(await discovered(read, embedder, number), read=read)
    finally:
        await embedder.close()


def _conditions(
    since: datetime | None, until: datetime | None, where: Sequence[Asked], scenario: str | None
) -> tuple[Asked, ...]:
    from pipeline.questions.condition import Condition

    found = list(where)
    if since is not None:
        found.append(Condition(field="started", op="at_least", values=(since.isoformat(),)))
    if until is not None:
        found.append(Condition(field="started", op="below", values=(until.isoformat(),)))
    if scenario is not None:
        found.append(Condition(field="scenario", values=(scenario,)))
    return tuple(found)


def _say_accepted(proposed: Accepted) -> None:
    names = ", ".join(proposed.intents.values())
    click.echo(f"\nproposed in {proposed.folder} ({proposed.scenario} v{proposed.version}): {names}", err=True)
    if proposed.lacking:
        click.echo(f"in {proposed.language} only; {', '.join(proposed.lacking)} lack it", err=True)
    click.echo(f"check {proposed.folder}/{proposed.language}/taxonomy.yaml, then:", err=True)
    for command in ("validate", "push"):
        click.echo(f"  {shlex.join(['convmine', 'scenario', command, proposed.folder])}", err=True)
