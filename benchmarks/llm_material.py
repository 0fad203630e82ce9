"""What the benchmark of language models works with: sample calls many times over, and a server in another process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

from pipeline.evaluate.labelled_calls import labelled_samples
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import conversation_of
from pipeline.samples import folder
from pipeline.scenarios.load import shipped
from pipeline.settings import BudgetSettings, ExtractSettings, LlmSettings, Settings
from schemas.transcript import TranscriptCompleted
from workers.entry import entry_record
from workers.fake_llm import Script, Text, serve
from workers.fake_llm.question import read_question
from workers.fake_llm.rules import answer_by_rule
from workers.records import NewRecord

MODEL: Final = "fake-llm"
SCENARIO: Final = "telecom"


@dataclass(frozen=True, slots=True)
class Material:
    """Sample calls, the bodies with which each is asked about, and the answers to these."""

    transcripts: tuple[TranscriptCompleted, ...]
    bodies: tuple[dict[str, Any], ...]
    answers: tuple[str, ...]

    def records(self, count: int) -> list[NewRecord]:
        """So many calls, the samples in turn, each under an id of its own."""
        at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        numbered = ((number, self.transcripts[number % len(self.transcripts)]) for number in range(count))
        calls = (one.model_copy(update={"call_id": f"{number}-{one.call_id}"}) for number, one in numbered)
        return [entry_record(call, tenant_id="acme", time=at) for call in calls]

    def script(self) -> Script:
        """The answer to each body without thinking about it, so that the server takes little CPU."""
        said = ((body["messages"][-1]["content"], text) for body, text in zip(self.bodies, self.answers, strict=True))
        return Script(steps=tuple(Text(text=text, containing=turns) for turns, text in said))


async def material() -> Material:
    """Each sample call once through the extractor, to see what it is asked."""
    transcripts = tuple(call.transcript for call in labelled_samples(folder()))
    with serve() as server:
        extractor = build_extractor(settings_for(server.base_url), shipped)
        for transcript in transcripts:
            await extractor.extract(conversation_of(transcript, shipped, SCENARIO, "acme"))
        await extractor.close()
        bodies = tuple(server.requests)
    assert len(bodies) == len(transcripts), "a sample call took more than one request"
    return Material(transcripts, bodies, tuple(answer_by_rule(read_question(body)) for body in bodies))


def settings_for(base_url: str) -> Settings:
    """The language model at this address; nothing is kept on disk."""
    return Settings(
        extract=ExtractSettings(extractor="llm"),
        llm=LlmSettings(base_url=base_url, model=MODEL, cache="off"),
        budget=BudgetSettings(ledger="off"),
    )


@contextmanager
def fake_llm(script: Script, folder: Path, *options: str) -> Iterator[str]:
    """``convmine fake-llm`` in a process of its own; gives its address."""
    path = folder / "script.json"
    path.write_text(script.model_dump_json(exclude_none=True), encoding="utf-8")
    code = "from workers.cli import main; main()"
    command = [sys.executable, "-c", code, "fake-llm", "--json", "--script", str(path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["base_url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        process.communicate()


def stats(base_url: str) -> dict[str, Any]:
    """What the server counts."""
    with urlopen(base_url.removesuffix("/v1") + "/stats") as answer:  # noqa: S310 - our own server on loopback
        counts: dict[str, Any] = json.load(answer)
    return counts


def utterances(transcripts: Sequence[TranscriptCompleted]) -> list[str]:
    """The words of all segments."""
    return [segment.text for transcript in transcripts for segment in transcript.segments]
