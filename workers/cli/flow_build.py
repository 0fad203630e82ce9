"""``convmine flow build``: the graph of how the dialogues of a file go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from pipeline.flow.mining import MinedEdge, MinedFlow


@click.command("build")
@click.option(
    "--input",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help='JSONL: {"id": …, "steps": [label, …]} a row; "result": won, lost or open where it is known.',
)
@click.option("--all", "everything", is_flag=True, help="Show the edges that are taken for noise, too.")
@json_option
def build_flow(*, file: Path, everything: bool, as_json: bool) -> None:
    """Make the flow graph of dialogues in a file.

    An edge is one step right after another. It is kept when it is part of the flow, by how surely the second step
    follows the first; the others are noise, or the flow with steps left out. (start) and (end) are marks; labels that
    close dialogues are part of (end). The same dialogues in another order give the same graph.
    """
    from pipeline.flow.dialogue_file import read_dialogues
    from pipeline.flow.mining import mined

    flow = mined(read_dialogues(file))
    if as_json:
        print_json(flow.document())
        return
    print_edges(flow, everything=everything)


def print_edges(flow: MinedFlow, *, everything: bool) -> None:
    """An edge a line, the most usual first, and what to know about them below."""
    shown = [edge for edge in flow.edges if everything or edge.kept]
    has_results = any(step.ended.rate is not None for step in flow.steps)
    has_times = any(edge.median_ms is not None for edge in flow.edges)
    columns = ["from", "to", "times", "of the first", "dependency"]
    columns += [*(["after"] if has_times else []), *(["won"] if has_results else []), *(["kept"] if everything else [])]
    print_table(columns, [_row(edge, columns) for edge in shown])
    click.echo(f"{flow.calls:,} conversations; {sum(edge.kept for edge in flow.edges)} of {len(flow.edges)} edges kept")
    if flow.closing:
        click.echo(plain(f"part of (end), as they close: {', '.join(flow.closing)}"))


def _row(edge: MinedEdge, columns: list[str]) -> list[str]:
    won = edge.ended
    cells = {
        "from": edge.source,
        "to": edge.target,
        "times": f"{edge.count:,}",
        "of the first": f"{edge.probability * 100:.0f}%",
        "dependency": f"{edge.dependency:.2f}",
        "after": "" if edge.median_ms is None else f"{edge.median_ms / 1_000:.0f} s",
        "won": "" if won.rate is None else f"{won.rate * 100:.0f}% of {won.won + won.lost:,}",
        "kept": "yes" if edge.kept else "no",
    }
    return [cells[column] for column in columns]
