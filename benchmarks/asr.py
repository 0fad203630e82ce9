"""What a recording costs on its way to the transcript, the engine apart; detectors of speech; memory over many spans.

``stages``: shares of a channel's duration on one core, for stereo µ-law at 8 kHz and FLAC at 16 kHz, and for the live
lane. ``vad``: detectors by cost, misses and false alarms. ``memory``: what is resident after a fifth of the spans and
after all of them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

import click

from benchmarks.asr_memory import resident
from benchmarks.asr_recordings import Call, sample_calls, write_flac, write_line
from benchmarks.asr_stages import Costs, costs, live_cost
from benchmarks.asr_vad import Result, compare, detectors
from benchmarks.asr_vad_material import Material, of_calls, of_sounds, of_telephone
from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine

GOAL: Final = 0.02
"""Of a channel's duration, on one core, for everything but the engine."""
GOAL_GROWTH: Final = 0.05
"""Of resident memory, from a fifth of the spans to the end."""
PARTS: Final = ("stages", "vad", "memory")
LIVE_CHANNELS: Final = 100
_NOISE_DB: Final = 20.0
_MEMORY_S: Final = 120.0
_FORMATS: Final[Mapping[str, Callable[[Path, Sequence[Call], float], None]]] = {
    "mu-law 8 kHz": write_line,
    "flac 16 kHz": write_flac,
}


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS)
@click.option("--hours", default=0.1, show_default=True, help="Length of the stereo recordings (stages).")
@click.option("--rounds", default=5, show_default=True, help="Runs of each step; the fastest counts (stages).")
@click.option("--spans", default=10_000, show_default=True, help="Spans that are transcribed (memory).")
def main(*, as_json: bool, parts: tuple[str, ...], hours: float, rounds: int, spans: int) -> None:
    """Measure, and print shares; the ratio is the larger share of the two formats, goal 0.02 of a channel's duration.

    Telephone calls are read from CONVMINE_EVAL_DATA.
    """
    calls = sample_calls()
    figures: dict[str, Figure | Figures] = dict.fromkeys(PARTS, NOT_RUN)
    ratio: float | Literal["not run"] = NOT_RUN
    with tempfile.TemporaryDirectory() as name:
        if "stages" in parts:
            found = {form: _costs(Path(name), calls, form, hours, rounds) for form in _FORMATS}
            ratio = round(max(it.whole for it in found.values()), 5)
            figures["stages"] = _stage_figures(found, live_cost(Path(name, "mu-law 8 kHz"), rounds))
        if "vad" in parts:
            figures["vad"] = _vad_figures(_materials(calls))
        if "memory" in parts:
            figures["memory"] = _memory_figures(Path(name), calls, spans)
    Report("asr", ratio, GOAL, figures, machine()).show(as_json=as_json)


def _costs(folder: Path, calls: Sequence[Call], form: str, hours: float, rounds: int) -> Costs:
    _FORMATS[form](folder / form, calls, 3_600 * hours)
    return costs(folder / form, calls, rounds)


def _stage_figures(found: Mapping[str, Costs], live: float) -> Figures:
    batch = {
        form: {
            **{step: round(share, 5) for step, share in asdict(it).items()},
            "whole": round(it.whole, 5),
            "audio_hours_an_hour": round(1 / it.whole),
        }
        for form, it in found.items()
    }
    return {**batch, "live": {"channel": round(live, 5), "cores_for_50_stereo_calls": round(LIVE_CHANNELS * live, 2)}}


def _materials(calls: Sequence[Call]) -> dict[str, Sequence[Material]]:
    data = os.environ.get("CONVMINE_EVAL_DATA")
    telephone = {"telephone calls": of_telephone(Path(data))} if data else {}
    return {
        "sample calls": of_calls(calls),
        f"sample calls, noise {_NOISE_DB:.0f} dB below": of_calls(calls, _NOISE_DB),
        **telephone,
        "no speech": of_sounds(),
    }


def _vad_figures(materials: Mapping[str, Sequence[Material]]) -> Figures:
    found = {name: NOT_RUN if it is None else _row(compare(it, materials)) for name, it in detectors().items()}
    told = "read" if "telephone calls" in materials else NOT_RUN
    return {"telephone calls": told, **found}


def _row(result: Result) -> Figures:
    judgements: Mapping[str, Figures] = {
        name: {what: round(share, 4) for what, share in asdict(it).items()} for name, it in result.judgements.items()
    }
    return {"frame_us": round(result.frame_us, 1), "share": round(result.share, 5), **judgements}


def _memory_figures(folder: Path, calls: Sequence[Call], spans: int) -> Figures:
    write_line(folder / "memory", calls, _MEMORY_S)
    found = resident(folder / "memory", spans)
    return {
        "goal_growth": GOAL_GROWTH,
        "spans": found.spans,
        "first_mb": found.first_mb,
        "last_mb": found.last_mb,
        "growth": round(found.growth, 4),
    }


if __name__ == "__main__":
    main()
