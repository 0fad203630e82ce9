"""The examples of docs/how-to/add-*.md are taken from their pages, put into their places, and work."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from doc_pages import ROOT, blocks, example
from http_peer import peer
from mined_calls import insight, transcript

from pipeline.asr import registry as engines
from pipeline.asr.stage import build as build_asr
from pipeline.errors import Config, Retryable
from pipeline.extract import registry as extractors
from pipeline.extract.lexical import LexicalExtractor
from pipeline.extract.stage import build as build_extract
from pipeline.handling import Inbound, Outbound, Position
from pipeline.ports import ClaimCheck, Speech
from pipeline.scenarios.load import shipped
from pipeline.scenarios.opened import load_library
from pipeline.settings import AsrSettings, AudioSettings, ExtractSettings, ScenariosSettings, Settings
from pipeline.stages import SUGGESTIONS, Stage, intents
from schemas.audio import RecordingAvailable
from schemas.envelope import message
from schemas.insight import CallInsight, Evidence, FollowUp, FollowUpKind
from schemas.suggestion import SuggestionCreated
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Channel, Lane, Payload, Role
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.measures import Measures
from workers.records import read_event, write_event

NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
SPEECH = Speech(np.zeros(16_000, np.float32), 16_000, "en")
RECORDING = ROOT / "pipeline" / "samples" / "calls" / "call-02-family-plan.ogg"


def loaded(page: str, name: str, folder: Path, patch: pytest.MonkeyPatch) -> ModuleType:
    """The example of a page as a module of this name."""
    (folder / f"{name}.py").write_text(example(page, "python"), encoding="utf-8")
    patch.syspath_prepend(str(folder))
    patch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


def inbound(payload: Payload) -> Inbound:
    sent = message(payload, id="e1", source="/test", time=NOON, subject="call-1", tenant_id="t1")
    return Inbound(sent, Position("topic", 0, 0))


def unmasked(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    del language
    return tuple(segments)


class OneFile:
    """A store of one recording."""

    @asynccontextmanager
    async def fetch(self, claim: ClaimCheck) -> AsyncIterator[Path]:
        del claim
        yield RECORDING


def engine_settings(url: str | None) -> AsrSettings:
    return AsrSettings().model_copy(update={"engine": "engine_of_the_page", "base_url": url})


async def answer_words(writer: asyncio.StreamWriter, _number: int) -> None:
    body = json.dumps({"text": "i would like a larger plan"}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


async def answer_busy(writer: asyncio.StreamWriter, _number: int) -> None:
    writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def own_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of the page, registered as it says."""
    loaded("add-an-asr-engine.md", "engine_of_the_page", tmp_path, monkeypatch)
    entry = engines.Entry("engine_of_the_page", "httpx", None)
    monkeypatch.setattr(engines, "ENGINES", {**engines.ENGINES, "engine_of_the_page": entry})


@pytest.mark.usefixtures("own_engine")
async def test_the_engine_of_the_page_hears_a_recording() -> None:
    async with peer(answer_words) as server:
        engine = engines.build_engine(engine_settings(server.origin))
        handler = build_asr(engine=engine, store=OneFile(), settings=AudioSettings(), now=lambda: NOON, mask=unmasked)
        channels = (Channel(index=0, role=Role.CUSTOMER), Channel(index=1, role=Role.AGENT))
        announced = RecordingAvailable(call_id="call-1", dataref="file:///a.ogg", channels=channels)
        (out,) = await handler(inbound(announced))
        await engine.close()
    heard = out.message.payload
    assert isinstance(heard, TranscriptCompleted)
    assert heard.engine == "ours"
    assert {segment.text for segment in heard.segments} == {"i would like a larger plan"}
    assert {segment.role for segment in heard.segments} == {Role.CUSTOMER, Role.AGENT}
    assert all(request.body.startswith(b"RIFF") for request in server.asked)


@pytest.mark.usefixtures("own_engine")
async def test_the_engine_of_the_page_translates_what_goes_wrong() -> None:
    with pytest.raises(Config, match="CONVMINE_ASR_BASE_URL"):
        engines.build_engine(engine_settings(None))
    async with peer(answer_busy) as server:
        engine = engines.build_engine(engine_settings(server.origin))
        with pytest.raises(Retryable, match="503"):
            await engine.recognise([SPEECH])
        await engine.close()
    engine = engines.build_engine(engine_settings(server.origin))
    with pytest.raises(Retryable, match="away"):
        await engine.recognise([SPEECH])
    await engine.close()


async def test_the_extractor_of_the_page_mines_a_transcript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded("add-an-extractor.md", "extractor_of_the_page", tmp_path, monkeypatch)
    monkeypatch.setattr(extractors, "EXTRACTORS", {**extractors.EXTRACTORS, "literal": module.build})
    settings = Settings(extract=ExtractSettings().model_copy(update={"extractor": "literal"}))
    extractor = extractors.build_extractor(settings, shipped)
    taxonomy = shipped("telecom", "t1").edition("en").taxonomy
    price = next(intent for intent in taxonomy.intents if intent.name == "price_objection")
    said = transcript("call-1", ((Role.CUSTOMER, f"well {price.examples[0]} today"), (Role.AGENT, "let me see")))
    handler = build_extract(extractor=extractor, scenarios=shipped, default_scenario="telecom")
    (out,) = await handler(inbound(said.model_copy(update={"language": "en"})))
    await extractor.close()
    found = out.message.payload
    assert isinstance(found, CallInsight)
    assert [(one.name, one.evidence[0].quote) for one in found.intents] == [("price_objection", price.examples[0])]
    assert found.provenance.model == "literal.v1"


def promise(number: int, role: Role, kind: FollowUpKind = FollowUpKind.PROMISE) -> FollowUp:
    said = Evidence(segment_id=f"s{number}", role=role, start_ms=5_000, end_ms=9_000, quote="i will call you back")
    return FollowUp(
        follow_up_id=f"f{number}", kind=kind, role=role, what="call back", due=date(2026, 10, 9), evidence=(said,)
    )


async def test_the_stage_of_the_page_runs_behind_the_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = loaded("add-a-stage.md", "stage_of_the_page", tmp_path, monkeypatch)
    stage = Stage("promises", Lane.BATCH, (intents(Lane.BATCH),), (SUGGESTIONS,), "CPU")
    promised = (promise(1, Role.AGENT), promise(2, Role.CUSTOMER), promise(3, Role.AGENT, FollowUpKind.NEXT_STEP))
    mined = insight("call-1").model_copy(update={"follow_ups": promised})
    broker = InProcessBroker()
    sent = message(mined, id="e1", source="/test", time=NOON, subject="call-1", tenant_id="t1")
    await broker.publish([write_event(Outbound(intents(Lane.BATCH), sent))] * 2)  # the second is a redelivery
    worker = InProcessWorker(broker, stage, module.build(), Limits(), Measures())
    await worker.start()
    try:
        await asyncio.wait_for(broker.wait_idle([stage]), timeout=20)
    finally:
        await worker.stop(5)
    written = [found for record in broker.records(SUGGESTIONS) if (found := read_event(record))]
    assert len({one.message.envelope.id for one in written}) == 1
    reminder = written[0].payload
    assert isinstance(reminder, SuggestionCreated)
    assert (reminder.text, reminder.at_ms) == ("call back", 5_000)


async def test_the_scenario_of_the_page_is_valid_and_finds_what_customers_want(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.yaml").write_text(example("add-a-scenario.md", "yaml"), encoding="utf-8")
    [commands] = blocks(ROOT / "docs" / "how-to" / "add-a-scenario.md", "sh")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONVMINE_")}
    convmine = f"convmine() {{ {sys.executable} -c 'from workers.cli import main; main()' \"$@\"; }}\n"
    done = await asyncio.to_thread(
        subprocess.run,
        ["bash", "-euc", convmine + commands.code],
        cwd=tmp_path,
        env={**kept, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parcels v1 is valid" in done.stdout
    library = load_library(Settings(scenarios=ScenariosSettings(path=tmp_path / "scenarios")))
    handler = build_extract(extractor=LexicalExtractor(), scenarios=library, default_scenario="parcels")
    turns = (
        (Role.CUSTOMER, "hello can you tell me where my parcel is"),
        (Role.AGENT, "it got lost but we can deliver it again tomorrow"),
        (Role.CUSTOMER, "yes tomorrow is fine"),
    )
    said = transcript("parcel-1", turns, facts=CallFacts(language="en", scenario="parcels"))
    (out,) = await handler(inbound(said))
    found = out.message.payload
    assert isinstance(found, CallInsight)
    assert [one.name for one in found.intents] == ["ask_where_parcel", "offer_solution", "accept_solution"]
    assert found.outcome_inferred is not None
    assert found.outcome_inferred.name == "solved"
