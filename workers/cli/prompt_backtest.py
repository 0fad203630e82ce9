"""``convmine prompt backtest``: two versions of a prompt on the same calls, field by field."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table, write_file
from workers.cli.progress import stage_bars
from workers.cli.prompt_choice import choose, language_option, library_of, published_option, scenario_option
from workers.cli.since import Since

if TYPE_CHECKING:
    from pipeline.backtest.cases import Case
    from pipeline.backtest.differing import DifferingCall
    from pipeline.backtest.result import Backtest
    from pipeline.backtest.run import Ran, Version
    from pipeline.settings import Settings
    from pipeline.workbench.place import Workbench
    from workers.cli.prompt_choice import Chosen

_STORED: Final = "stored"
_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the command was asked for."""

    settings: Settings
    chosen: Chosen
    versions: tuple[Version, Version]
    on: str
    limit: int | None
    since: datetime | None
    at_once: int


@dataclass(frozen=True, slots=True)
class _Result:
    """What came of it; ``remarks`` are sentences about the material."""

    backtest: Backtest
    calls: tuple[DifferingCall, ...]
    remarks: tuple[str, ...]
    asked: int


@click.command("backtest")
@click.argument("a")
@click.argument("b")
@click.option(
    "--on",
    required=True,
    metavar="stored|FILE",
    help="stored: the stored calls, with their labels and observed outcomes; or JSONL of labelled calls "
    "(docs/workbench.md).",
)
@scenario_option
@language_option
@published_option
@click.option("--limit", type=click.IntRange(1), help=f"At most so many calls; of stored ones {_LIMIT} if not given.")
@click.option("--since", type=Since(), help="Stored calls begun since then: 7d, 12h, or a date.")
@click.option(
    "--at-once", type=click.IntRange(1, 1_000), help="Calls at a time; CONVMINE_RUNTIME_IN_FLIGHT if not given."
)
@click.option(
    "--html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a report to this file: the figures, and the calls that differ side by side.",
)
@json_option
def backtest_prompts(  # noqa: PLR0913 - one argument an option
    a: str,
    b: str,
    *,
    on: str,
    scenario: str | None,
    language: str | None,
    limit: int | None,
    since: datetime | None,
    at_once: int | None,
    html: Path | None,
    published: bool,
    as_json: bool,
) -> None:
    """Run two versions, such as extract.v1 and extract.v2, on the same calls, and say which is better at what.

    Every answer is kept as soon as it is there: an interrupted back-test goes on where it stopped, and one that was
    run before answers at once.
    """
    from pipeline.settings import load

    context = click.get_current_context()
    if since is not None and on != _STORED:
        raise click.UsageError("--since is for stored calls", context)
    if a == b:
        raise click.UsageError(f"{a} cannot be compared with itself", context)
    if html is not None and not html.absolute().parent.is_dir():
        raise click.UsageError(f"--html: there is no folder {html.absolute().parent}", context)
    settings = load()
    chosen = choose(settings, scenario, language, library=library_of(settings, published=published))
    versions = (_version(settings, chosen, a), _version(settings, chosen, b))
    wanted = _Wanted(settings, chosen, versions, on, limit, since, at_once or settings.runtime.in_flight)
    result = asyncio.run(_backtested(wanted))
    if html is not None:
        _write(html, result)
    if as_json:
        print_json(_document(result))
    else:
        _print(result, html)


def _version(settings: Settings, chosen: Chosen, label: str) -> Version:
    from pipeline.backtest.run import Version
    from pipeline.extract.prompting import EXTRACT_PROMPT

    prompt = chosen.prompt(label)
    if prompt.id != EXTRACT_PROMPT:
        raise ConvmineError(
            f"{label} cannot be back-tested: only what {EXTRACT_PROMPT} finds can be right or wrong",
            hint="convmine prompt try shows what other prompts give",
        )
    return Version.of(chosen.scenario, chosen.edition, prompt, settings.llm.model)


async def _backtested(wanted: _Wanted) -> _Result:
    from pipeline.backtest.comparing import Side, backtest
    from pipeline.backtest.differing import differing
    from pipeline.llm.prices import Prices
    from pipeline.workbench.places import open_workbench

    settings = wanted.settings
    workbench = open_workbench(settings)
    try:
        cases, remarks = await _cases(wanted, workbench)
        ran = await _ran(wanted, workbench, cases)
        a, b = (Side(version, ran.outcomes[version.prompt.label]) for version in wanted.versions)
        result = backtest(
            cases,
            a,
            b,
            on=_STORED if wanted.on == _STORED else Path(wanted.on).name,
            tenant_id=settings.tenant,
            prices=Prices(settings.budget.prices),
            finished_at=datetime.now(UTC),
        )
        await workbench.add_backtest(settings.tenant, result)
    finally:
        await workbench.close()
    return _Result(result, tuple(differing(cases, a.outcomes, b.outcomes)), remarks, ran.asked)


async def _cases(wanted: _Wanted, workbench: Workbench) -> tuple[Sequence[Case], tuple[str, ...]]:
    """The calls, and what has to be said of them."""
    chosen = wanted.chosen
    if wanted.on != _STORED:
        from pipeline.backtest.case_file import read_cases

        read = read_cases(Path(wanted.on), chosen.scenario, chosen.edition)
        others = f"{read.others} calls of other scenarios or languages are left out." if read.others else ""
        return read.cases[: wanted.limit], (others,) if others else ()
    from pipeline.backtest.stored_cases import stored_cases
    from workers.cli.recording import recorded_store_of

    async with recorded_store_of(wanted.settings, "prompt backtest") as store:
        found = await stored_cases(
            store,
            workbench,
            tenant_id=wanted.settings.tenant,
            scenario=chosen.scenario,
            edition=chosen.edition,
            since=wanted.since,
            limit=wanted.limit or _LIMIT,
        )
    lost = f"{found.lost} labels are of turns that their call no longer has, and do not count." if found.lost else ""
    return found.cases, (lost,) if lost else ()


async def _ran(wanted: _Wanted, workbench: Workbench, cases: Sequence[Case]) -> Ran:
    from workers.changing.backtests import backtester

    runs = backtester(wanted.settings, wanted.chosen.scenario, workbench, wanted.at_once)
    with stage_bars(quiet=not sys.stderr.isatty()) as follow:

        def told(counts: Mapping[str, int]) -> None:
            follow({label: (count, len(cases)) for label, count in counts.items()})

        return await runs.run(cases, wanted.versions, told)


def _write(html: Path, result: _Result) -> None:
    from pipeline.backtest.page import page
    from pipeline.backtest.table import notes_of

    notes = [*notes_of(result.backtest), *result.remarks]
    write_file(html, page(result.backtest, result.calls, notes))


def _document(result: _Result) -> dict[str, Any]:
    from pipeline.backtest.table import notes_of

    document = result.backtest.model_dump(mode="json")
    for side, version in (("a", result.backtest.a), ("b", result.backtest.b)):
        document[side]["valid"] = version.valid
    return {
        **document,
        "asked": result.asked,
        "differing": [call.call_id for call in result.calls],
        "notes": [*notes_of(result.backtest), *result.remarks],
    }


def _print(result: _Result, html: Path | None) -> None:
    from pipeline.backtest.table import FIGURE_COLUMNS, SCORE_COLUMNS, figure_rows, notes_of, score_rows

    of = result.backtest
    rows = score_rows(of)
    # Two tables: one of all columns is wider than most terminals.
    print_table(SCORE_COLUMNS[:5], [row[:5] for row in rows], title=_title(of))
    print_table((SCORE_COLUMNS[0], *SCORE_COLUMNS[5:]), [(row[0], *row[5:]) for row in rows])
    print_table(FIGURE_COLUMNS, figure_rows(of))
    for note in (*notes_of(of), *result.remarks):
        click.echo(note)
    click.echo(f"Calls that differ: {len(result.calls)} of {of.a.calls}{_named(result.calls, html)}")
    click.echo(f"Extractions made now: {result.asked}, kept from before: {2 * of.a.calls - result.asked}")


def _title(of: Backtest) -> str:
    return f"A is {of.a.label}, B is {of.b.label}, on {of.a.calls} {'call' if of.a.calls == 1 else 'calls'}"


def _named(calls: Sequence[DifferingCall], html: Path | None) -> str:
    if not calls:
        return ""
    if html is not None:
        return f"; {html} has them side by side"
    named = ", ".join(plain(call.call_id) for call in calls[:10])
    return f": {named}{', …' if len(calls) > 10 else ''}; --html FILE has them side by side"  # noqa: PLR2004 - a line's worth
