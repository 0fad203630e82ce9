"""How much of a language model's limit ``convmine reextract`` uses on stored calls, as a person runs it.

``ratio`` is the rate at which the server answered while its limit was felt, to that limit. The calls are stored in
local mode, all in one process, so that reading them and writing the new version takes its share of the time; what the
command needs besides (start, the copy of the current version) is in ``command_s``. A second run asks for nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import click

from benchmarks.llm_material import MODEL, SCENARIO, fake_llm, stats
from benchmarks.report import Figures, Report, machine
from pipeline.evaluate.labelled_calls import labelled_samples
from pipeline.extract.lexical import LexicalExtractor
from pipeline.extract.stage import STAGE, conversation_of, mine
from pipeline.flow.stage import of_whole
from pipeline.handling import Inbound, Position, follow
from pipeline.ids import stable_id
from pipeline.samples import folder
from pipeline.scenarios.load import shipped
from pipeline.settings import Settings, StoreSettings
from pipeline.store.open import store_of
from pipeline.store.stage import build
from schemas.envelope import message
from schemas.transcript import TranscriptCompleted
from workers.fake_llm import Script

GOAL: Final = 0.8
"""Of the server's limit."""
TENANT: Final = "bench"
BURST: Final = 20
_BEGAN: Final = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_LOOK_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the command: its time, the CPU time of it, and what it printed."""

    seconds: float
    cpu_s: float
    printed: Mapping[str, Any]


def stored_calls(calls: int) -> list[TranscriptCompleted]:
    """So many calls: the English samples in turn, each with a sentence of its own, so that no two are one."""
    samples = [call.transcript for call in labelled_samples(folder()) if call.transcript.language == "en"]
    return [_call(samples[number % len(samples)], number) for number in range(calls)]


async def fill(place: Path, calls: int) -> None:
    """Store the calls as the stages do, mined by the lexical extractor."""
    extractor = LexicalExtractor()
    async with store_of(Settings(store=StoreSettings(path=place / "qdrant", embedder="hashing"))) as store:
        index = build(store=store)
        for transcript in stored_calls(calls):
            told = _inbound(transcript)
            conversation = conversation_of(transcript, shipped, SCENARIO, TENANT)
            insight = await mine(TENANT, transcript, conversation, extractor)
            mined = Inbound(follow(told, insight, stage=STAGE, topic="").message, told.position)
            state, _ = of_whole(mined, insight)
            for event in (told, mined, Inbound(state.message, told.position)):
                await index(event)


@dataclass(slots=True)
class Watched:
    """What the server had answered, and when, looked at a few times a second until the block is left."""

    base_url: str
    seen: list[tuple[float, int]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def rate(self, burst: int, all_of: int) -> float:
        """Answers a second between the first ``burst``, which no limit held back, and the last."""
        felt = [(at, answered) for at, answered in self.seen if burst <= answered < all_of]
        if len(felt) < 2:  # noqa: PLR2004 - a beginning and an end
            return 0.0
        (began, first), (ended, last) = felt[0], felt[-1]
        return (last - first) / (ended - began)

    def _look(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self.seen.append((time.perf_counter(), sum(stats(self.base_url)["answered"].values())))


def run_command(base_url: str, place: Path) -> Run:
    """``convmine reextract`` in a process of its own, with everything it keeps in this folder."""
    kept = {
        "CONVMINE_TENANT": TENANT,
        "CONVMINE_EXTRACT_EXTRACTOR": "llm",
        "CONVMINE_LLM_BASE_URL": base_url,
        "CONVMINE_LLM_MODEL": MODEL,
        "CONVMINE_LLM_CACHE": "off",
        "CONVMINE_BUDGET_LEDGER_PATH": str(place / "usage.sqlite"),
        "CONVMINE_STORE_PATH": str(place / "qdrant"),
        "CONVMINE_STORE_EMBEDDER": "hashing",
    }
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONVMINE_", "OPENAI_", "QDRANT_"))
    }
    code = "from workers.cli import main; main()"
    options = ["--since", f"{_BEGAN:%Y-%m-%d}", "--prompt", "extract.v2", "--yes", "--json"]
    began, cpu = time.perf_counter(), _cpu_of_children()
    done = subprocess.run(
        [sys.executable, "-c", code, "reextract", *options],
        env={**plain, **kept},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return Run(time.perf_counter() - began, _cpu_of_children() - cpu, json.loads(done.stdout))


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--calls", default=1_000, show_default=True)
@click.option("--limit", "per_minute", default=600, show_default=True, help="Requests a minute.")
@click.option("--delay-s", default=1.0, show_default=True, help="Seconds that the server takes for an answer.")
def main(*, as_json: bool, calls: int, per_minute: int, delay_s: float) -> None:
    """Measure, and print the figures."""
    limits = ("--requests-per-minute", str(per_minute), "--burst", str(BURST), "--delay-s", str(delay_s))
    with tempfile.TemporaryDirectory() as name, fake_llm(Script(), Path(name), *limits) as base_url:
        place = Path(name)
        asyncio.run(fill(place, calls))
        with Watched(base_url) as watched:
            first = run_command(base_url, place)
        counts = stats(base_url)
        second = run_command(base_url, place)
        again = sum(stats(base_url)["answered"].values()) - sum(counts["answered"].values())
    ratio = round(watched.rate(BURST, calls) / (per_minute / 60), 3)
    figures: Figures = {
        "calls": calls,
        "limit_per_minute": per_minute,
        "mined_again": first.printed["mined_again"],
        "failed": len(first.printed["failed"]),
        "refused": counts["refused"],
        "command_s": round(first.seconds, 2),
        "command_cpu_s": round(first.cpu_s, 2),
        "allowed_s": round((calls - BURST) * 60 / per_minute + delay_s, 2),
        "second_command_s": round(second.seconds, 2),
        "asked_again_in_the_second": again,
    }
    Report("reextract", ratio, GOAL, figures, machine()).show(as_json=as_json)


def _cpu_of_children() -> float:
    """Seconds of all that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _call(sample: TranscriptCompleted, number: int) -> TranscriptCompleted:
    first, *rest = sample.segments
    own = first.model_copy(update={"text": f"{first.text} This is talk {number}."})
    began = {"call": sample.call.model_copy(update={"started_at": _BEGAN + timedelta(minutes=number)})}
    return sample.model_copy(update={"call_id": f"{number}-{sample.call_id}", "segments": (own, *rest), **began})


def _inbound(transcript: TranscriptCompleted) -> Inbound:
    event = message(
        transcript,
        id=stable_id("benchmark", transcript.call_id),
        source="/benchmark",
        time=_BEGAN,
        subject=transcript.call_id,
        tenant_id=TENANT,
    )
    return Inbound(event, Position("", 0, 0))


if __name__ == "__main__":
    main()
