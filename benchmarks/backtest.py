"""How long a back-test takes: ``convmine prompt backtest`` as a person runs it, on answers of 1 s.

``ratio`` is the time of the first run to that which the server needs for so many answers with so many at a time, both
for what is asked for at once and for a server that limits its rate. ``second_s`` is a run that is answered from what
was kept; start of the program, scoring and intervals are in all of them.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from benchmarks.llm_material import MODEL, SCENARIO, fake_llm, stats
from benchmarks.report import Figures, Report, machine
from pipeline.evaluate.labelled_calls import LabelledCall, labelled_samples
from pipeline.samples import folder
from workers.fake_llm import Script

GOAL: Final = 1.3
"""Times what the server's concurrency or limit allows."""
SECOND_GOAL_S: Final = 3.0
VERSIONS: Final = ("extract.v1", "extract.v2")
LANGUAGE: Final = "en"
BURST: Final = 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: its time, the CPU time of it, and what it printed."""

    seconds: float
    cpu_s: float
    printed: Mapping[str, Any]


def labelled_rows(calls: int) -> Iterator[str]:
    """So many labelled calls: the English samples in turn, each with a sentence of its own, so that no two are one."""
    samples = [call for call in labelled_samples(folder()) if call.transcript.language == LANGUAGE]
    return (_row(samples[number % len(samples)], number) for number in range(calls))


def run_command(base_url: str, cases: Path, place: Path, at_once: int) -> Run:
    """``convmine prompt backtest`` in a process of its own, with everything it keeps in this folder."""
    kept = {
        "CONVMINE_LLM_BASE_URL": base_url,
        "CONVMINE_LLM_MODEL": MODEL,
        "CONVMINE_LLM_CACHE_PATH": str(place / "answers.sqlite"),
        "CONVMINE_WORKBENCH_PATH": str(place / "workbench.sqlite"),
        "CONVMINE_BUDGET_LEDGER_PATH": str(place / "usage.sqlite"),
    }
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CONVMINE_", "OPENAI_"))}
    arguments = ["--on", str(cases), "--scenario", SCENARIO, "--language", LANGUAGE, "--at-once", str(at_once)]
    code = "from workers.cli import main; main()"
    command = [sys.executable, "-c", code, "prompt", "backtest", *VERSIONS, *arguments, "--json"]
    began, cpu = time.perf_counter(), _cpu_of_children()
    done = subprocess.run(command, env={**plain, **kept}, stdout=subprocess.PIPE, check=True, text=True)
    return Run(time.perf_counter() - began, _cpu_of_children() - cpu, json.loads(done.stdout))


def by_concurrency(answers: int, at_once: int, delay_s: float) -> float:
    """The least seconds in which a server gives so many answers, so many at a time."""
    return math.ceil(answers / at_once) * delay_s


def by_limit(answers: int, per_minute: int, burst: int, delay_s: float) -> float:
    """The least seconds in which a server that lets so many through a minute gives so many answers."""
    return max(0, answers - burst) * 60 / per_minute + delay_s


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--calls", default=200, show_default=True)
@click.option("--at-once", default=16, show_default=True, help="Calls at a time, without a limit.")
@click.option("--delay-s", default=1.0, show_default=True, help="Seconds that the server takes for an answer.")
@click.option("--limit", "per_minute", default=1_200, show_default=True, help="Requests a minute, in the limited run.")
def main(*, as_json: bool, calls: int, at_once: int, delay_s: float, per_minute: int) -> None:
    """Measure, and print the figures; the ratio is the worse one of both runs."""
    answers = len(VERSIONS) * calls
    limits = ("--requests-per-minute", str(per_minute), "--burst", str(BURST))
    runs = {
        "concurrency": _measured(calls, at_once, by_concurrency(answers, at_once, delay_s), delay_s),
        "limit": _measured(calls, 4 * at_once, by_limit(answers, per_minute, BURST, delay_s), delay_s, *limits),
    }
    ratio = max(round(first.seconds / least_s, 3) for first, _, least_s, _ in runs.values())
    figures: Figures = {
        name: {
            "first_s": round(first.seconds, 2),
            "allowed_s": round(least_s, 2),
            "ratio": round(first.seconds / least_s, 3),
            "first_cpu_s": round(first.cpu_s, 2),
            "second_s": round(second.seconds, 2),
            "second_cpu_s": round(second.cpu_s, 2),
            "second_goal_s": SECOND_GOAL_S,
            "requests": requests,
            "asked_again_in_the_second": second.printed["asked"],
            "failed": first.printed["a"]["failed"] + first.printed["b"]["failed"],
        }
        for name, (first, second, least_s, requests) in runs.items()
    }
    Report("backtest", ratio, GOAL, figures, machine()).show(as_json=as_json)


def _measured(calls: int, at_once: int, least_s: float, delay_s: float, *limits: str) -> tuple[Run, Run, float, int]:
    """Both runs, what the server allows, and how many requests it answered."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        cases = place / "calls.jsonl"
        cases.write_text("\n".join(labelled_rows(calls)), encoding="utf-8")
        with fake_llm(Script(), place, "--delay-s", str(delay_s), *limits) as base_url:
            first = run_command(base_url, cases, place, at_once)
            second = run_command(base_url, cases, place, at_once)
            return first, second, least_s, sum(stats(base_url)["answered"].values())


def _cpu_of_children() -> float:
    """Seconds of all that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _row(call: LabelledCall, number: int) -> str:
    turns = [
        {"role": turn.role, "text": segment.text, "start_ms": turn.start_ms, "end_ms": turn.end_ms,
         "intents": list(turn.intents)}
        for segment, turn in zip(call.transcript.segments, call.turns, strict=True)
    ]  # fmt: skip
    turns[0]["text"] = f"{turns[0]['text']} This is talk {number}."
    return json.dumps({"call_id": f"{number}-{call.transcript.call_id}", "turns": turns})


if __name__ == "__main__":
    main()
