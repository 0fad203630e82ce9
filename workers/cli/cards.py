"""``convmine cards list``: the cards that there are, where each stands, and how it does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.release.card_overview import ListedCard, Rate
    from pipeline.settings import Settings

_COLUMNS: Final = ("card", "language", "title", "status", "version", "draft", "approved by", "priority", "valid")
_FIGURES: Final = ("shown", "accepted", "edited", "dismissed", "acceptance", "won")


@click.command("list")
@click.option("--scenario", help="Scenario; CONVMINE_EXTRACT_SCENARIO if not given.")
@click.option("--language", help="Only in this language.")
@click.option("--card", help="Only this one, with its text, its draft and what was shown before.")
@click.option("--running", is_flag=True, help="Which published versions each worker that lives says it shows.")
@json_option
def list_cards(*, scenario: str | None, language: str | None, card: str | None, running: bool, as_json: bool) -> None:
    """List the cards of a scenario: its own, and those published by themselves; where each stands and how it does.

    Acceptance is the share that agents took up, as it was or edited, of those that they saw; won is the share of calls
    won, of those won or lost whose outcome was observed and in which the card was seen. Both have the interval of 95 %
    (Wilson). Passages of the knowledge base that were suggested come last.
    """
    from pipeline.settings import load

    settings = load()
    name = scenario or settings.extract.scenario
    if running:
        _show_running(settings, name, language, card, as_json=as_json)
        return
    rows = [row for row in _rows(settings, name) if language in {None, row.language} and card in {None, row.card_id}]
    if card is not None and not rows:
        raise ConvmineError(f"there is no card {card!r} in {name}", hint=f"convmine cards list --scenario {name}")
    if as_json:
        print_json({"items": [_document(row) for row in rows], "next": None})
    elif card is not None:
        for row in rows:
            _show(row)
    else:
        print_table((*_COLUMNS, *_FIGURES), [[*_cells(row), *_figures(row)] for row in rows])
        for row in rows:
            if row.left_out:
                click.echo(plain(f"not shown, as it does not fit the scenario: {row.left_out}"), err=True)


def _rows(settings: Settings, scenario: str) -> Sequence[ListedCard]:
    """The cards of a scenario.

    Raises:
        ConvmineError: there is no such scenario, or Kafka has no topics for it.
        Retryable: Kafka is away.
    """
    from pipeline.scenarios.opened import load_library
    from pipeline.stages import CARDS, SCENARIOS
    from workers.changing.cards import listed_cards
    from workers.cli.prompt_choice import choose
    from workers.edge import Edge
    from workers.published import published_in, spans_of

    edge, library = Edge(settings.kafka), load_library(settings)
    published = published_in(edge.read(spans_of(edge, settings, (SCENARIOS, CARDS))), settings.tenant)
    published.take_scenarios(library)
    own = choose(settings, scenario, None, library=library).scenario
    return listed_cards(library, published, own)


def _cells(row: ListedCard) -> list[object]:
    until = row.field("valid_to")
    valid = (
        f"{row.field('valid_from')} to {until}"
        if until
        else row.field("valid_from") and f"{row.field('valid_from')} on"
    )
    draft = f"v{row.draft.card_version} by {row.draft.written_by}" if row.draft else None
    return [
        *(row.card_id, row.language, row.field("title"), row.status, row.version or None, draft),
        *(row.field("approved_by"), row.field("priority"), valid),
    ]


def _figures(row: ListedCard) -> list[object]:
    if (figures := row.figures) is None:
        return [None] * len(_FIGURES)
    counts = (figures.shown, figures.accepted, figures.edited, figures.dismissed)
    return [*counts, _percent(row.acceptance), _percent(row.win_rate)]


def _percent(rate: Rate | None) -> str | None:
    if rate is None:
        return None
    low, high = rate.interval
    return f"{rate.share:.0%} ({low:.0%} to {high:.0%})"


def _show(row: ListedCard) -> None:
    """One card as it is shown, what its draft would change, and what was shown before."""
    from workers.changing.difference import as_text
    from workers.cli.cards_desk import difference

    click.echo(plain(f"{row.card_id} in {row.scenario} ({row.language}): {row.status}, version {row.version}"))
    for line in as_text(row.shown or {}):
        click.echo(f"  {plain(line)}")
    if row.draft is not None:
        click.echo(plain(f"draft, version {row.draft.card_version}, by {row.draft.written_by}:"))
        for line in difference(row.shown, row.draft.content, ("shown", "draft")):
            click.echo(f"  {line}")
    for one in row.record.earlier if row.record else ():
        said = f"version {one.card_version}, by {one.written_by}, approved by {one.approved_by} at {one.approved_at}"
        click.echo(plain(f"before: {said}{f': {one.reason}' if one.reason else ''}"))


def _document(row: ListedCard) -> dict[str, Any]:
    figures = row.figures
    return {
        "scenario": row.scenario,
        "language": row.language,
        "card": row.card_id,
        "title": row.field("title"),
        "status": row.status,
        "version": row.version,
        "newest": row.newest,
        "approved_by": row.field("approved_by"),
        "priority": row.field("priority"),
        "valid_from": row.field("valid_from"),
        "valid_to": row.field("valid_to"),
        "shown": figures and figures.shown,
        "accepted": figures and figures.accepted,
        "edited": figures and figures.edited,
        "dismissed": figures and figures.dismissed,
        "acceptance": _rate(row.acceptance),
        "won": figures and figures.won,
        "lost": figures and figures.lost,
        "win_rate": _rate(row.win_rate),
        "counted_at": figures and figures.counted_at.isoformat(),
        "left_out": row.left_out,
        "content": row.shown,
        "draft": row.draft and row.draft.model_dump(mode="json", exclude_none=True),
        "record": row.record and row.record.model_dump(mode="json", exclude_none=True, exclude={"content"}),
    }


def _rate(rate: Rate | None) -> dict[str, float] | None:
    if rate is None:
        return None
    low, high = rate.interval
    return {"share": rate.share, "low": low, "high": high, "of": rate.of}


def _show_running(settings: Settings, scenario: str, language: str | None, card: str | None, *, as_json: bool) -> None:
    from workers.running import running_workers

    workers = asyncio.run(running_workers(settings))
    rows = [
        {
            "worker": worker.worker,
            "stages": ", ".join(worker.stages),
            "seen": worker.seen_at.isoformat(timespec="seconds"),
        }
        | {"scenario": of, "language": code, "card": name, "version": version}
        for worker in workers
        for (of, code, name), version in ((key.split(":", 2), version) for key, version in worker.cards.items())
        if of == scenario and language in {None, code} and card in {None, name}
    ]
    refused = [
        {"worker": worker.worker, "what": one.what, "reason": one.reason}
        for worker in workers
        for one in worker.refused
    ]
    if as_json:
        print_json({"items": rows, "refused": refused, "workers": len(workers)})
        return
    if not workers:
        click.echo("no worker says what it runs: is one up, on this Kafka and with this topic prefix?", err=True)
        return
    columns = ("worker", "stages", "seen", "scenario", "language", "card", "version")
    print_table(columns, [[row[name] for name in columns] for row in rows])
    if refused:
        print_table(("worker", "refused", "because"), [list(one.values()) for one in refused])
