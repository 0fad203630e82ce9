"""Calls a second: the extract worker beside the bare client, and how much of a server's limit the worker uses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.llm_material import SCENARIO, Material, settings_for, stats
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import build
from pipeline.handling import Inbound, Outbound
from pipeline.scenarios.load import shipped
from pipeline.stages import FAILED, Stage, intents, stage_named
from schemas.wire import Lane
from workers.in_process import InProcessBroker, InProcessWorker
from workers.limits import Limits
from workers.processes import collect_garbage_seldom

_WARM_UP: Final = 20
_TIMEOUT_S: Final = 60.0
"""What the worker has by default, too: a busy machine may need more than the client's 5 s to connect."""
_FOUND = stage_named("extract", Lane.BATCH)
assert _FOUND is not None
_STAGE: Final[Stage] = _FOUND


@dataclass(frozen=True, slots=True)
class Run:
    """Calls that were mined and that failed; ``done_at`` is when each was handled, in seconds from the start."""

    seconds: float
    cpu_s: float
    mined: int
    failed: int
    done_at: tuple[float, ...] = ()

    @property
    def per_second(self) -> float:
        return self.mined / self.seconds


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a limit that was used while it was felt, calls that failed, and requests that the server refused."""

    used: float
    failed: int
    refused: int
    calls: int


async def worker_run(base_url: str, found: Material, *, calls: int, in_flight: int) -> Run:
    """The calls through the handler and the runtime, on the broker of this process."""
    extractor = build_extractor(settings_for(base_url), shipped)
    handle = build(extractor=extractor, scenarios=shipped, default_scenario=SCENARIO)
    done_at: list[float] = []

    async def timed(inbound: Inbound) -> Sequence[Outbound]:
        outputs = await handle(inbound)
        done_at.append(time.perf_counter())
        return outputs

    broker = InProcessBroker()
    await broker.publish(found.records(calls))
    worker = InProcessWorker(broker, _STAGE, timed, Limits(in_flight=in_flight, window=calls))
    began, cpu = time.perf_counter(), time.process_time()
    await worker.start()
    await broker.wait_idle([_STAGE])
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    await worker.stop(5)
    await extractor.close()
    mined, failed = len(broker.records(intents(Lane.BATCH))), len(broker.records(FAILED))
    return Run(seconds, cpu_s, mined, failed, tuple(at - began for at in done_at))


async def bare_run(base_url: str, found: Material, *, calls: int, in_flight: int) -> Run:
    """The same requests with ``AsyncOpenAI`` and ``asyncio.gather``."""
    from openai import AsyncOpenAI

    slots = asyncio.Semaphore(in_flight)
    async with AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0, timeout=_TIMEOUT_S) as client:

        async def ask(body: dict[str, Any]) -> None:
            async with slots:
                await client.chat.completions.create(**body)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(ask(found.bodies[number % len(found.bodies)]) for number in range(calls)))
        return Run(time.perf_counter() - began, time.process_time() - cpu, calls, 0)


async def side_by_side(
    base_url: str, found: Material, *, calls: int, in_flight: int, rounds: int
) -> dict[str, list[Run]]:
    """Both in turn, after a few calls that warm up what is made once, in a process that is set up as a worker's is."""
    runs: dict[str, list[Run]] = {"convmine": [], "bare": []}
    await worker_run(base_url, found, calls=_WARM_UP, in_flight=in_flight)
    await bare_run(base_url, found, calls=_WARM_UP, in_flight=in_flight)
    collect_garbage_seldom()
    for _ in range(rounds):
        runs["bare"].append(await bare_run(base_url, found, calls=calls, in_flight=in_flight))
        runs["convmine"].append(await worker_run(base_url, found, calls=calls, in_flight=in_flight))
    return runs


async def share_of_limit(  # noqa: PLR0913 - one argument a condition
    base_url: str, found: Material, *, per_minute: int, burst: int, calls: int, in_flight: int
) -> Share:
    """What the worker uses of a limit that it only knows from the server's headers.

    The first ``burst`` answers are left out: they are what the server let through before its limit was felt.
    """
    run = await worker_run(base_url, found, calls=calls, in_flight=in_flight)
    felt = sorted(run.done_at)[burst:]
    rate = (len(felt) - 1) / (felt[-1] - felt[0])
    return Share(rate / (per_minute / 60), run.failed, int(stats(base_url)["refused"]), run.mined)
