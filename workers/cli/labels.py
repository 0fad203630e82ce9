"""``convmine labels``: what people have said of extracted items, as JSONL, and how far they agree."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from workers.cli.output import json_option, print_json, print_table, write_file
from workers.cli.prompt_label import FIELDS

if TYPE_CHECKING:
    from pipeline.labels.agreement import Disagreement, FieldAgreement
    from pipeline.labels.label import Label
    from pipeline.workbench.place import Workbench

T = TypeVar("T")


@click.command("export")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file; standard output if not given.")
@json_option
def export_labels(out: Path | None, *, as_json: bool) -> None:
    """Write all labels as JSONL, a label a line, in order of time."""
    from pipeline.labels.label_file import write_labels

    labels = _all_labels()
    if out is not None:
        write_file(out, write_labels(labels))
        said = {"labels": len(labels), "out": str(out)}
        print_json(said) if as_json else click.echo(f"wrote {said['labels']} labels to {said['out']}")
    elif as_json:
        print_json({"items": [label.model_dump(mode="json") for label in labels], "next": None})
    else:
        click.echo(write_labels(labels), nl=False)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def import_labels(file: Path, *, as_json: bool) -> None:
    """Keep the labels of FILE (JSONL), all of them or none; those that are there already are not added again."""
    from pipeline.labels.label_file import read_labels
    from pipeline.scenarios.opened import load_library
    from pipeline.settings import load

    settings = load()
    labels = read_labels(file, load_library(settings), settings.tenant)
    added = _with_workbench(lambda workbench: workbench.add_labels(labels))
    if as_json:
        print_json({"read": len(labels), "added": added})
    else:
        click.echo(f"added {added} labels; {len(labels) - added} were there already")


@click.command("agreement")
@click.option("--field", "fields", multiple=True, type=click.Choice(FIELDS), help="Only this field; may repeat.")
@click.option("--show", is_flag=True, help="List the items of which people say different things.")
@json_option
def label_agreement(fields: tuple[str, ...], *, show: bool, as_json: bool) -> None:
    """Say how far people agree: equal verdicts, Cohen's kappa of each two, Krippendorff's alpha of all.

    Only items count that at least two people have judged. There is no kappa and no alpha where nobody ever said
    anything else: chance alone would make them agree.
    """
    from pipeline.labels.agreement import agreement, disagreements

    labels = [label for label in _all_labels() if not fields or label.field in fields]
    found = agreement(labels)
    divided = disagreements(labels) if show else ()
    if as_json:
        items = [_rounded(asdict(one)) for one in found]
        print_json({"fields": items, **({"disagreements": [_told(one) for one in divided]} if show else {})})
        return
    if found:
        _print_agreement(found)
    else:
        click.echo("no item was judged by two people: there is nothing to compare", err=True)
    if divided:
        _print_disagreements(divided)


def _all_labels() -> tuple[Label, ...]:
    from pipeline.settings import load

    return _with_workbench(lambda workbench: workbench.labels(load().tenant))


def _with_workbench(ask: Callable[[Workbench], Awaitable[T]]) -> T:
    from pipeline.settings import load
    from pipeline.workbench.places import open_workbench

    async def run() -> T:
        workbench = open_workbench(load())
        try:
            return await ask(workbench)
        finally:
            await workbench.close()

    return asyncio.run(run())


def _print_agreement(found: tuple[FieldAgreement, ...]) -> None:
    rows: list[tuple[object, ...]] = []
    for field in found:
        rows.append((field.field, f"all {len(field.people)}", field.items, None, None, _figure(field.alpha)))
        rows += [
            (None, f"{pair.a}, {pair.b}", pair.items, f"{pair.equal:.0%}", _figure(pair.kappa), None)
            for pair in field.pairs
        ]
    print_table(("field", "people", "items", "equal", "kappa", "alpha"), rows)


def _print_disagreements(divided: tuple[Disagreement, ...]) -> None:
    rows = []
    for one in divided:
        call_id, field, name, _, value = one.item
        said = ", ".join(f"{by}: {verdict}" for by, verdict in sorted(one.verdicts.items()))
        rows.append((call_id, field, name, value or one.quote, said))
    print_table(("call", "field", "name", "words", "verdicts"), rows)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _told(one: Disagreement) -> dict[str, Any]:
    call_id, field, name, segment_id, value = one.item
    item = {"call_id": call_id, "field": field, "name": name, "segment_id": segment_id, "value": value}
    return {**item, "quote": one.quote, "verdicts": dict(one.verdicts)}


def _rounded(value: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Figures with four places."""
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return round(value, 4) if isinstance(value, float) else value
