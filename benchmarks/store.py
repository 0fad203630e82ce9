"""What the store takes in, and how fast it answers: on the server of ``QDRANT_URL``, else in local mode.

``ratio``: points a second of the index worker to those of a bare loop of batch upserts by ``qdrant-client``. The worker
goes from encoded records to committed offsets (decoding, masking, the points and their BM25 vectors, and the notes and
later changes that its events need); the loop has the same points ready, with both vectors. Dense vectors are at hand on
both sides; beside it both make them: ``ratio_with_embedding``.

On a server the loop writes to collections like ours (``bare``). In local mode the client by itself (``plain_client``)
waits for the disk at each point, which our ``Folder`` does not; ``ratio_same_commits`` is to the loop that does not,
either. That one is bound by CPU, where whoever does more is slower: see ``cpu_ms_a_point``.

``questions`` has milliseconds and exported rows a second by size.
"""

from __future__ import annotations

import asyncio
import logging
import os
import statistics
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import click
import structlog

from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine
from benchmarks.store_ingest import Run, masking_cpu_s, side_by_side
from benchmarks.store_material import Place, material
from benchmarks.store_questions import asked_and_exported
from pipeline.ports import Embedder
from pipeline.store.embedding.registry import make_embedder
from workers.processes import collect_garbage_seldom

GOAL: Final = 0.9
"""Of the bare loop's points a second."""
SEARCH_GOAL_MS: Final = 25.0
"""p95 on a server with a million utterances."""
AGGREGATE_GOAL_MS: Final = 1_000.0
EXPORT_GOAL: Final = 20_000
"""Rows a second."""
SIZES: Final = (10_000, 100_000, 1_000_000)
LOCAL_MOST: Final = 20_000
"""Points of a collection up to which local mode is meant to be used."""
PARTS: Final = ("ingest", "questions")


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS)
@click.option("--calls", default=100, show_default=True, help="Made-up calls of each run (ingest).")
@click.option("--per-call", default=60, show_default=True, help="Utterances of a call, on average.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each kind (ingest).")
@click.option(
    "--utterances", "sizes", multiple=True, type=int, default=(10_000,), show_default=True, help="Of a store."
)
@click.option("--repeats", default=40, show_default=True, help="Questions of each kind.")
@click.option("--force", is_flag=True, help="Go beyond what local mode is for.")
def main(  # noqa: PLR0913 - one argument an option
    *,
    as_json: bool,
    parts: tuple[str, ...],
    calls: int,
    per_call: int,
    rounds: int,
    sizes: tuple[int, ...],
    repeats: int,
    force: bool,
) -> None:
    """Measure, and print the figures; sizes that cannot be had here are told as not run."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("pipeline").setLevel(logging.ERROR)
    collect_garbage_seldom()
    place = Place(os.environ.get("QDRANT_URL"))
    embedder = make_embedder("auto")
    figures: dict[str, Figure | Figures] = {"place": place.name, "ingest": NOT_RUN}
    ratio: float | Literal["not run"] = NOT_RUN
    if "ingest" in parts:
        ratio, figures["ingest"] = asyncio.run(_ingest(place, embedder, calls, per_call, rounds))
    asked: dict[str, Figure | Figures] = dict.fromkeys(map(str, sorted({*SIZES, *sizes})), NOT_RUN)
    for size in sizes if "questions" in parts else ():
        if place.url or force or size <= LOCAL_MOST:
            asked[str(size)] = asyncio.run(
                asked_and_exported(place, embedder, utterances=size, per_call=per_call, repeats=repeats)
            )
    figures["questions"] = asked
    figures["goals"] = {
        "search_p95_ms_at_a_million_on_a_server": SEARCH_GOAL_MS,
        "aggregate_ms_at_a_million": AGGREGATE_GOAL_MS,
        "export_rows_a_second": EXPORT_GOAL,
    }
    Report("store", ratio, GOAL, figures, machine()).show(as_json=as_json)


async def _ingest(
    place: Place, embedder: Embedder, calls: int, per_call: int, rounds: int
) -> tuple[float, dict[str, Figure | Figures]]:
    found = await material(embedder, calls, per_call)
    runs = await side_by_side(place, embedder, found, rounds)
    figures: dict[str, Figure | Figures] = {"events": len(found.records), "points": found.size, "rounds": rounds}
    figures |= {name: _rates(several) for name, several in runs.items()}
    figures["masking_cpu_ms_a_point"] = round(masking_cpu_s(found) / found.size * 1e3, 3)
    figures["ratio_with_embedding"] = ratio_of(runs, "worker_embedding", "bare_embedding")
    figures["ratio_same_commits"] = ratio_of(runs, "worker", "bare")
    return ratio_of(runs, "worker", "plain_client" if "plain_client" in runs else "bare"), figures


def ratio_of(runs: Mapping[str, Sequence[Run]], ours: str, bare: str) -> float:
    """The median of the rounds: in each, ours to the bare loop's just before it."""
    ratios = (mine.per_second / loop.per_second for mine, loop in zip(runs[ours], runs[bare], strict=True))
    return round(statistics.median(ratios), 3)


def _rates(runs: Sequence[Run]) -> Figures:
    return {
        "points_a_second": round(statistics.median(run.per_second for run in runs), 1),
        "cpu_ms_a_point": round(statistics.median(run.cpu_s / run.points for run in runs) * 1e3, 3),
    }


if __name__ == "__main__":
    main()
