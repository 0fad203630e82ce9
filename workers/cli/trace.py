"""``convmine trace``: a trace out of a file of spans, as a table or as a picture."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from workers.cli.output import json_option, print_json, write_file

if TYPE_CHECKING:
    from workers.tracing.waterfall import Waterfall

_FORMATS: Final = ("text", "svg")


@click.command("show")
@click.argument("spans", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--trace", default="", help="The trace whose id begins so; that with most spans if not given.")
@click.option("--call", help="The trace of this call, where CONVMINE_TRACING_SHOW_CALLS was set.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Text if not given, or what FILE is named.")
@click.option("--title", help="What stands above the picture.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it into this file.")
@json_option
def show_trace(  # noqa: PLR0913 - one argument an option
    *,
    spans: Path,
    trace: str,
    call: str | None,
    form: Literal["text", "svg"] | None,
    title: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Show a trace of SPANS, the file that CONVMINE_TRACING_EXPORT=file has written, each span below its parent."""
    from pipeline.settings import load
    from workers.tracing.hops import pseudonym
    from workers.tracing.span_file import read_spans
    from workers.tracing.waterfall import chosen

    found = chosen(read_spans(spans), trace=trace, call=pseudonym(load().tenant, call) if call else "")
    if as_json:
        print_json({"trace_id": found.trace_id, "ms": found.ms, "spans": [asdict(row) for row in found.rows]})
        return
    if (form or ("svg" if out and out.suffix == ".svg" else "text")) == "svg":
        from workers.tracing.picture import svg

        text = svg(found, title or f"Trace {found.trace_id}")
    else:
        text = _table(found)
    if out is None:
        click.echo(text, nl=False)
    else:
        write_file(out, text)
        click.echo(f"wrote {out}")


def _table(found: Waterfall) -> str:
    from workers.tracing.waterfall import told

    stages = ", ".join(found.stages)
    lines = [f"trace {found.trace_id}: {len(found.rows)} spans in {told(found.ms)}, {stages}"]
    for row in found.rows:
        about = "  failed" * row.failed + f"  {row.retries} retries" * bool(row.retries)
        name = "  " * row.depth + row.name
        lines.append(f"{told(row.at_ms):>9} {told(row.ms):>9}  {row.stage:<12}  {name}{about}")
    return "\n".join(lines) + "\n"
