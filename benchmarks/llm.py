"""What the extract stage makes of a language model's server, and what it takes without one.

``rate``: calls a second of one worker, beside the bare client with the same requests, on answers of 1 s. ``limit``: how
much of a server's limit of requests it uses. ``cpu``: CPU time a call; ``ms_a_call`` is the prompt, the validation and
the grounding. ``lexical``: utterances a second without a model.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import click
import structlog

from benchmarks.llm_cpu import cpu_time, lexical_per_second
from benchmarks.llm_material import Material, fake_llm, material
from benchmarks.llm_rate import Run, share_of_limit, side_by_side
from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine

GOAL: Final = 0.8
"""Of the bare client's calls a second."""
SHARE_GOAL: Final = 0.95
CPU_GOAL_MS: Final = 10.0
LEXICAL_GOAL: Final = 2_000
PARTS: Final = ("rate", "limit", "cpu", "lexical")
BURST: Final = 10
SHORT: Final = 60
"""Characters of a short utterance."""


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS)
@click.option("--calls", default=1_000, show_default=True, help="Of each run (rate).")
@click.option("--in-flight", default=200, show_default=True, help="Calls at once.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each (rate).")
@click.option("--delay-s", default=1.0, show_default=True, help="Seconds that the server takes for an answer.")
@click.option("--limit", "per_minute", default=600, show_default=True, help="Requests a minute (limit).")
@click.option("--limit-calls", default=300, show_default=True, help="Calls (limit).")
@click.option("--cpu-calls", default=500, show_default=True, help="Calls (cpu).")
@click.option("--utterances", default=5_000, show_default=True, help="Short utterances (lexical).")
def main(  # noqa: PLR0913 - one argument an option
    *,
    as_json: bool,
    parts: tuple[str, ...],
    calls: int,
    in_flight: int,
    rounds: int,
    delay_s: float,
    per_minute: int,
    limit_calls: int,
    cpu_calls: int,
    utterances: int,
) -> None:
    """Measure, and print the figures; the ratio is one worker's calls a second to the bare client's."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    found = asyncio.run(material())
    figures: dict[str, Figure | Figures] = dict.fromkeys(PARTS, NOT_RUN)
    ratio: float | Literal["not run"] = NOT_RUN
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        if "rate" in parts:
            with fake_llm(found.script(), place, "--delay-s", str(delay_s)) as base_url:
                runs = asyncio.run(side_by_side(base_url, found, calls=calls, in_flight=in_flight, rounds=rounds))
            ratio, figures["rate"] = ratio_of(runs), _rates(runs)
        if "limit" in parts:
            limits = ("--requests-per-minute", str(per_minute), "--burst", str(BURST))
            with fake_llm(found.script(), place, "--delay-s", str(delay_s), *limits) as base_url:
                figures["limit"] = _limit(base_url, found, per_minute, limit_calls, in_flight)
    if "cpu" in parts:
        taken = asyncio.run(cpu_time(found, calls=cpu_calls))
        figures["cpu"] = {
            "goal_ms": CPU_GOAL_MS,
            "ms_a_call": round(taken.extractor_ms, 2),
            "handler_ms_a_call": round(taken.handler_ms, 2),
        }
    if "lexical" in parts:
        rate, words = asyncio.run(lexical_per_second(found, count=utterances, longest=SHORT))
        figures["lexical"] = {"goal": LEXICAL_GOAL, "per_cpu_second": round(rate), "words": round(words, 1)}
    Report("llm", ratio, GOAL, figures, machine()).show(as_json=as_json)


def ratio_of(runs: Mapping[str, Sequence[Run]]) -> float:
    """The median of ours to the median of the bare client's."""
    ours, bare = (statistics.median(run.per_second for run in runs[name]) for name in ("convmine", "bare"))
    return round(ours / bare, 3)


def _rates(runs: Mapping[str, Sequence[Run]]) -> Figures:
    return {
        name: {
            "per_second": round(statistics.median(run.per_second for run in several), 1),
            "cpu_ms_a_call": round(statistics.median(run.cpu_s / run.mined for run in several) * 1e3, 2),
            "failed": sum(run.failed for run in several),
        }
        for name, several in runs.items()
    }


def _limit(base_url: str, found: Material, per_minute: int, calls: int, in_flight: int) -> Figures:
    share = asyncio.run(
        share_of_limit(base_url, found, per_minute=per_minute, burst=BURST, calls=calls, in_flight=in_flight)
    )
    return {
        "goal": SHARE_GOAL,
        "used": round(share.used, 3),
        "calls": share.calls,
        "failed": share.failed,
        "refused_requests": share.refused,
    }


if __name__ == "__main__":
    main()
