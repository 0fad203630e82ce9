"""Each fault of a model's server, and what the extract worker makes of it.

The handler is the one that the settings build, the runtime the one of every worker; only the broker is in this process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pipeline.errors import Config
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import build
from pipeline.scenarios.load import shipped
from pipeline.settings import BudgetSettings, ExtractSettings, LlmSettings, Settings
from pipeline.stages import FAILED, Stage, intents, stage_named
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import Lane, Role
from workers.entry import entry_record
from workers.fake_llm import (
    ContentFilter,
    ContextTooLong,
    Cut,
    Empty,
    Failure,
    Hung,
    InvalidJson,
    Invented,
    NoJsonSchema,
    Page,
    Refusal,
    Served,
    Step,
    Streamed,
    Truncated,
    Valid,
    WrongSchema,
    serve,
)
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.outcomes import RetryPolicy
from workers.records import NewRecord

_FOUND = stage_named("extract", Lane.BATCH)
assert _FOUND is not None
STAGE: Final[Stage] = _FOUND
ATTEMPTS: Final = 3
TIMEOUT_S: Final = 1.0
"""Of the faults that are about time; a busy machine must not make any other one of them."""
_PATIENT_S: Final = 20.0
_LIMIT_S: Final = 30.0
_MARK: Final = "the reference is blue falcon"
"""Said in the call that meets the fault, and in no other."""


@dataclass(frozen=True)
class Fault:
    """Steps for one call. ``lasts``: for as long as the call is tried, while other calls get their answers."""

    name: str
    steps: tuple[Step, ...]
    lasts: bool = False
    timeout_s: float = _PATIENT_S


def _once(name: str, *steps: Step, timeout_s: float = _PATIENT_S) -> Fault:
    return Fault(name, (*steps, Valid()), timeout_s=timeout_s)


def _always(name: str, step: Step, timeout_s: float = _PATIENT_S) -> Fault:
    return Fault(name, (step,), lasts=True, timeout_s=timeout_s)


FAULTS: Final = (
    Fault("answers", (Valid(),)),
    _once("answers slowly, within the time-out", Valid(delay_s=TIMEOUT_S)),
    _once("puts the JSON into a code fence", Valid(before="```json\n", after="\n```")),
    _once("talks before and after the JSON", Valid(before="Here it is:\n", after="\nAnything else?")),
    _once("answers JSON that breaks off, once", InvalidJson()),
    _always("answers JSON that breaks off, always", InvalidJson()),
    _once("answers another schema, once", WrongSchema()),
    _always("answers another schema, always", WrongSchema()),
    _always("quotes what nobody said", Invented()),
    _once("cuts its answer off, once", Truncated()),
    _always("cuts its answer off, always", Truncated()),
    _always("refuses to answer", Refusal()),
    _always("withholds its answer (content filter)", ContentFilter()),
    _once("answers nothing, once", Empty()),
    _always("answers nothing, always", Empty()),
    _once("429 with Retry-After, twice", Failure(status=429, retry_after_s=0.2, times=2)),
    _always("429 with Retry-After, always", Failure(status=429, retry_after_s=0.2)),
    _once("500, twice", Failure(status=500, times=2)),
    _once("500, eight times: the breaker opens and closes", Failure(status=500, times=8)),
    _always("500, always", Failure(status=500)),
    _once("401, until the key is right", Failure(status=401)),
    _once("404, until the model's name is right", Failure(status=404)),
    _once("is slower than the time-out, once", Valid(delay_s=TIMEOUT_S * 2), timeout_s=TIMEOUT_S),
    _always("is slower than the time-out, always", Valid(delay_s=TIMEOUT_S * 2), timeout_s=TIMEOUT_S),
    _once("hangs, once", Hung(), timeout_s=TIMEOUT_S),
    _always("hangs, always", Hung(), timeout_s=TIMEOUT_S),
    _once("closes the connection, once", Cut(where="before")),
    _once("closes the connection in the headers, once", Cut(where="headers")),
    _once("closes the connection in the body, once", Cut(where="body")),
    _always("closes the connection, always", Cut(where="body")),
    _once("streams though nobody asked, once", Streamed()),
    _always("streams though nobody asked, always", Streamed()),
    _once("a proxy's page with 200, once", Page()),
    _once("a proxy's page with 502, once", Page(status=502)),
    _always("a proxy's page with 200, always", Page()),
    _always("knows no json_schema (OpenAI)", NoJsonSchema(server="openai")),
    _always("knows no json_schema (Azure)", NoJsonSchema(server="azure")),
    _always("knows no json_schema (vLLM)", NoJsonSchema(server="vllm")),
    _always("knows no json_schema (Ollama)", NoJsonSchema(server="ollama")),
    _always("knows no response format at all", NoJsonSchema(accepts=("text",))),
    _always("finds the conversation too long", ContextTooLong()),
)


@dataclass
class Ended:
    """What came of the call that met the fault, and of the ``others`` beside it."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    insights: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    letters: int = 0
    stopped_by: Config | None = None
    others: int = 0
    published: int = 1


async def run(fault: Fault) -> Ended:
    """Put one call through the worker; raises ``TimeoutError`` where it does not end."""
    steps = [step.model_copy(update={"containing": _MARK}) for step in fault.steps]
    with serve(*steps) as server:
        async with asyncio.timeout(_LIMIT_S):
            return await _ended(fault, server)


async def _ended(fault: Fault, server: Served) -> Ended:
    ended, broker = Ended(), InProcessBroker(partitions=1)
    await broker.publish([_call("met", f"I want to cancel my contract, {_MARK}")])
    while ended.stopped_by is None or broker.lag(STAGE):
        sleep = _meanwhile(broker, ended) if fault.lasts else _at_once
        async with _worker(_settings(server, fault), broker, sleep) as worker:
            idle = asyncio.ensure_future(broker.wait_idle([STAGE]))
            await asyncio.wait([idle, worker.broken], return_when=asyncio.FIRST_COMPLETED)
            if not worker.broken.done():
                break
            idle.cancel()
            error = worker.broken.exception()
            if not isinstance(error, Config) or ended.stopped_by is not None:
                raise error or AssertionError
            ended.stopped_by = error
    ended.requests = [one for one in server.requests if _MARK in json.dumps(one)]
    insights = [json.loads(record.value or b"") for record in broker.records(intents(Lane.BATCH))]
    ended.insights = [one for one in insights if one["call_id"] == "met"]
    ended.others = len(insights) - len(ended.insights)
    ended.failures = [json.loads(record.value or b"") for record in broker.records(FAILED)]
    ended.letters = len(broker.records(STAGE.dead_letters(STAGE.reads[0])))
    for one in ended.failures:
        one["reason"] = one["reason"].replace(server.base_url, "http://model/v1")
    return ended


@asynccontextmanager
async def _worker(
    settings: Settings, broker: InProcessBroker, sleep: Callable[[float], Any]
) -> AsyncIterator[InProcessWorker]:
    extractor = build_extractor(settings, shipped)
    handler = build(extractor=extractor, scenarios=shipped, default_scenario="telecom")
    limits = Limits(policy=RetryPolicy(first_s=0.01, longest_s=0.02, attempts=ATTEMPTS), sleep=sleep)
    worker = InProcessWorker(broker, STAGE, handler, limits)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop(5)
        await extractor.close()


def _settings(server: Served, fault: Fault) -> Settings:
    return Settings(
        extract=ExtractSettings(extractor="llm"),
        llm=LlmSettings(base_url=server.base_url, model="m1", timeout_s=fault.timeout_s, cache="off"),
        budget=BudgetSettings(ledger="off"),
    )


async def _at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


def _meanwhile(broker: InProcessBroker, ended: Ended) -> Callable[[float], Any]:
    """Between two attempts at the call, as many others get their answers as tell a fault of it from an outage."""

    met: asyncio.Task[Any] | None = None

    async def sleep(_seconds: float) -> None:
        nonlocal met
        if met is None:
            met = asyncio.current_task()
            ended.published += ATTEMPTS
            await broker.publish([_call(f"other-{number}", "I want to cancel") for number in range(ATTEMPTS)])
        if asyncio.current_task() is met:
            while len(broker.records(intents(Lane.BATCH))) < ATTEMPTS:  # noqa: ASYNC110 - a topic wakes nobody up
                await asyncio.sleep(0.01)

    return sleep


def _call(call_id: str, said: str) -> NewRecord:
    lines = (
        (Role.AGENT, "Good morning, this call is recorded."),
        (Role.CUSTOMER, said),
        (Role.AGENT, "I can offer you ten dollars off for six months."),
        (Role.CUSTOMER, "All right, then I will stay."),
    )
    segments = tuple(
        Segment(segment_id=f"{call_id}-{n}", role=role, start_ms=n * 5_000, end_ms=n * 5_000 + 4_000, text=text)
        for n, (role, text) in enumerate(lines)
    )
    transcript = TranscriptCompleted(
        call_id=call_id, language="en", duration_ms=20_000, engine="made up", segments=segments
    )
    return entry_record(transcript, tenant_id="t", time=datetime(2026, 1, 1, tzinfo=UTC))
