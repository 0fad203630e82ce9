"""How soon advice is on the agent's screen: from the chunk that shows that speech has ended to a dashboard's stream.

Every stage of the live lane, its Kafka topics, the store, the gateway and the dashboards are real and run at once; the
speech engine takes no time, and the language model answers in a fixed time, which is taken out. Both ends are times of
one clock: when the chunk was handed to the producer, and when a dashboard has the whole event. The hang-over, the
silence after which speech counts as ended, is no part of it.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import click
import httpx
import structlog
from installation import qdrant
from kafka_node import free_port, kafka_node
from processes import CONVMINE, environment, running

from benchmarks.asr_live_calls import CHUNK_MS, FORMATS, Due, Play, bodies, course, send
from benchmarks.asr_recordings import sample_calls
from benchmarks.broker import Broker
from benchmarks.report import Figures, Report, machine, percentiles
from pipeline.access.keys import new_key
from pipeline.settings import KafkaSettings
from pipeline.stages import AUDIO, SUGGESTIONS, flow, intents, stages_of, transcripts
from schemas.audio import RawFormat
from schemas.envelope import type_of
from schemas.flow import FlowState
from schemas.insight import IntentExtracted
from schemas.suggestion import SuggestionCreated
from schemas.transcript import TranscriptSegment
from schemas.wire import CallFacts, Lane
from workers.edge import Edge
from workers.gateway.kafka import LINGER_MS
from workers.gateway.key_file import change_keys
from workers.records import NewRecord

GOALS_MS: Final = {"p50": 80.0, "p95": 250.0, "p99": 500.0}
MODEL_S: Final = 0.3
"""Seconds that the language model takes for each answer."""
_TENANT: Final = "bench"
_PREFIX: Final = "CONVMINE_KAFKA_TOPIC_PREFIX"
_WAY: Final = (transcripts(Lane.LIVE), intents(Lane.LIVE), flow(Lane.LIVE), SUGGESTIONS)
_LEADS: Final = frozenset(
    type_of(kind).encode() for kind in (TranscriptSegment, IntentExtracted, FlowState, SuggestionCreated)
)
_CALL_S: Final = 25.0
"""Seconds of a call: each card is shown once in one, so that few calls would give few suggestions."""
_WARM_UP_S: Final = 30.0
_LAST_S: Final = 5.0
"""Seconds that the last suggestions may take."""
_JOINED_S: Final = 120.0
_PROCESSES: Final = (("asr",), ("extract",), ("flow", "suggest", "compliance", "recap"), ("index",))
"""Which stages share a process: as many processes as keep two cores busy."""
_NICE: Final = {"asr": -5, "extract": -5, "flow suggest compliance recap": -5, "index": 10}
"""On a machine that all share, those on the way to a suggestion go before the others, and after them the one that
nobody waits for. A value below 0 takes root's rights; without them it stays at 0.
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """So many calls at once, one after the other on each line, for so long."""

    audio: Sequence[Sequence[bytes]]
    raw: RawFormat
    lines: int
    seconds: float

    def dues(self) -> Iterator[Due]:
        """All records, rising by when they are due."""
        return heapq.merge(*(self._line(number) for number in range(self.lines)), key=lambda due: due.at_s)

    def _line(self, number: int) -> Iterator[Due]:
        begins, count = number * _CALL_S / self.lines, 0
        while begins < _WARM_UP_S + self.seconds:
            facts = CallFacts(scenario="telecom", language="en", agent=f"agent-{number}", consent=True)
            audio = self.audio[(number + count) % len(self.audio)]
            play = Play(f"call-{number}-{count}", audio, self.raw, number * 37, facts, ends=True)
            yield from course(play, begins + _apart_s(play.id), _CALL_S)
            begins, count = begins + _CALL_S + 1.0, count + 1


def _apart_s(call: str) -> float:
    """When within a chunk's length a call begins: people do not dial in step, so chunks come at any moment of it."""
    return crc32(call.encode()) % CHUNK_MS / 1_000


@dataclass(slots=True)
class Seen:
    """When each chunk was sent, by call and time of the call, and each suggestion that a dashboard was shown."""

    sent: dict[tuple[str, str], float] = field(default_factory=dict)
    shown: list[tuple[str, str, float]] = field(default_factory=list)

    def hops_ms(self, since: float, appended: Mapping[str, Mapping[tuple[str, str], float]]) -> dict[str, Figures]:
        """The same in its parts: until each topic had what led to the suggestion, and until the dashboard had it."""
        parts: dict[str, list[float]] = defaultdict(list)
        for call, ce_time, at in self.shown:
            before = self.sent[call, ce_time]
            if before < since:
                continue
            for topic, times in (*appended.items(), ("dashboard", {(call, ce_time): at})):
                reached = times[call, ce_time]
                parts[topic].append((reached - before) * 1_000)
                before = reached
        return {name: percentiles(values) for name, values in parts.items()}

    def latencies_ms(self, since: float) -> list[float]:
        """Milliseconds of each suggestion whose chunk was sent after a time, without the model's own."""
        pairs = ((self.sent[call, ce_time], at) for call, ce_time, at in self.shown)
        return [(at - sent - MODEL_S) * 1_000 for sent, at in pairs if sent >= since]


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each suggestion, and in hops, these with the model's time; how many cores each process took."""

    latencies_ms: Sequence[float]
    hops_ms: Mapping[str, Figures]
    cores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Installed:
    """What runs: its settings, where its gateway is and with which key, and its processes by what they do."""

    env: Mapping[str, str]
    gateway: str
    key: str
    processes: Mapping[str, subprocess.Popen[bytes]]

    def used_s(self) -> dict[str, float]:
        """CPU seconds of each process so far; ``callers`` is this one."""
        from psutil import Process

        callers = Process()
        named = {one.pid for one in self.processes.values()}
        used = {name: sum(Process(one.pid).cpu_times()[:2]) for name, one in self.processes.items()}
        used |= {"kafka": 0.0, "store": 0.0}
        for server in callers.children(recursive=True):
            if server.pid not in named:
                used["kafka" if server.name() == "java" else "store"] += sum(server.cpu_times()[:2])
        used["callers"] = sum(callers.cpu_times()[:2])
        return used


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--calls", default=50, show_default=True, help="Live at once.")
@click.option("--seconds", default=60.0, show_default=True, help="Measured, after 30 s of warm-up.")
@click.option("--dashboards", default=50, show_default=True, help="Open streams: one an agent.")
def main(*, as_json: bool, calls: int, seconds: float, dashboards: int) -> None:
    """Measure, and print milliseconds; the ratio is the p95 to the goal of 250 ms."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    raw = FORMATS["mu-law 8 kHz"]
    traffic = Traffic([bodies(call, raw) for call in sample_calls()], raw, calls, seconds)
    with tempfile.TemporaryDirectory() as name, _installation(Path(name)) as installed:
        found = asyncio.run(_measured(installed, traffic, dashboards))
    spread = percentiles(found.latencies_ms)
    figures: Figures = {
        "suggestions": len(found.latencies_ms),
        "ms": spread,
        "goal_ms": GOALS_MS,
        "calls": calls,
        "dashboards": dashboards,
        "model_s_taken_out": MODEL_S,
        "hops_ms": found.hops_ms,
        "cores": {name: round(used, 2) for name, used in found.cores.items()},
    }
    Report("live", round(float(spread["p95"]) / GOALS_MS["p95"], 3), 1.0, figures, machine()).show(as_json=as_json)


@contextmanager
def _installation(folder: Path) -> Iterator[Installed]:
    """Everything, up and joined."""
    with ExitStack() as stack:
        servers = stack.enter_context(kafka_node(folder))
        broker = stack.enter_context(Broker(servers))
        kafka = KafkaSettings(bootstrap_servers=servers, topic_prefix=broker.prefix)
        Edge(kafka).apply_topics()
        store = stack.enter_context(qdrant(folder))
        model, port = free_port(), free_port()
        keys = folder / "keys.json"
        made = new_key(["supervisor"], tenant=_TENANT, now=datetime.now(UTC))
        change_keys(keys, lambda keyring: keyring.with_key(made.kept))
        env = environment(
            {
                "KAFKA_BOOTSTRAP_SERVERS": servers,
                _PREFIX: broker.prefix,
                "QDRANT_URL": f"http://{store}",
                "CONVMINE_STORE_EMBEDDER": "hashing",
                "CONVMINE_TENANT": _TENANT,
                "CONVMINE_EXTRACT_EXTRACTOR": "llm",
                "CONVMINE_EXTRACT_LIVE_EVERY_S": "0",
                "CONVMINE_LLM_BASE_URL": f"http://127.0.0.1:{model}/v1",
                "CONVMINE_LLM_CACHE": "off",
                "CONVMINE_BUDGET_LEDGER": "off",
                "CONVMINE_RUNTIME_IN_FLIGHT": "64",
                "CONVMINE_SUGGEST_APART_S": "0",
                "CONVMINE_GATEWAY_KEYS": str(keys),
                "CONVMINE_GATEWAY_PORT": str(port),
                "CONVMINE_AUDIT_PLACE": "off",
                "CONVMINE_LOG_LEVEL": "warning",
            }
        )
        llm = [*CONVMINE, "fake-llm", "--port", str(model), "--delay-s", str(MODEL_S)]
        processes = {"model": stack.enter_context(running(llm, env, folder / "model.log"))}
        for names in _PROCESSES:
            command = [sys.executable, "-m", "benchmarks.live_worker", *names]
            processes[" ".join(names)] = stack.enter_context(running(command, env, folder / f"{names[0]}.log"))
        for name, nice in _NICE.items():
            _share(processes[name], nice)
        processes["gateway"] = stack.enter_context(running([*CONVMINE, "gateway"], env, folder / "gateway.log"))
        _wait_joined(broker, processes, folder)
        yield Installed(env, f"http://127.0.0.1:{port}", made.text.get_secret_value(), processes)


def _share(process: subprocess.Popen[bytes], nice: int) -> None:
    """Each session shares the cores by itself on Linux (autogroup, sched(7)), so that nice alone changes nothing."""
    with suppress(OSError):  # without the rights, or a kernel without autogroups
        os.setpriority(os.PRIO_PROCESS, process.pid, nice)
        Path(f"/proc/{process.pid}/autogroup").write_text(str(nice), encoding="ascii")


def _wait_joined(broker: Broker, processes: Mapping[str, subprocess.Popen[bytes]], folder: Path) -> None:
    """Until each stage has its partitions."""
    deadline = time.monotonic() + _JOINED_S
    waiting = [broker.prefix + stage.group for stage in stages_of(Lane.LIVE)]
    while waiting:
        ended = [name for name, process in processes.items() if process.poll() is not None]
        if ended or time.monotonic() > deadline:
            said = "\n".join(f"--- {log.name}\n{log.read_text()[-2_000:]}" for log in sorted(folder.glob("*.log")))
            raise RuntimeError(f"ended: {ended}, not joined: {waiting}\n{said}")
        waiting = [group for group in waiting if not broker.members(group)]
        time.sleep(0.5)


async def _measured(installed: Installed, traffic: Traffic, dashboards: int) -> Measured:
    """Play the calls with the dashboards open."""
    from aiokafka import AIOKafkaProducer

    seen, env = Seen(), installed.env
    limits = httpx.Limits(max_connections=None)
    headers = {"Authorization": f"Bearer {installed.key}"}
    async with (
        httpx.AsyncClient(base_url=installed.gateway, headers=headers, timeout=None, limits=limits) as client,  # noqa: S113 - streams
        AIOKafkaProducer(bootstrap_servers=env["KAFKA_BOOTSTRAP_SERVERS"], linger_ms=LINGER_MS) as producer,
    ):
        await _answers(client)
        agents = [f"agent-{number % traffic.lines}" for number in range(dashboards)]
        streams = [asyncio.create_task(_watch(client, agent, seen)) for agent in agents]
        topic = env[_PREFIX] + AUDIO

        async def publish(record: NewRecord) -> None:
            headers = dict(record.headers)
            seen.sent[headers["ce_subject"].decode(), headers["ce_time"].decode()] = time.time()
            await producer.send(topic, key=record.key, value=record.value, headers=list(record.headers))

        began, before = time.time(), installed.used_s()
        await send(traffic.dues(), publish)
        took_s, after = time.time() - began, installed.used_s()
        await asyncio.sleep(_LAST_S)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
    used = {name: (after[name] - before[name]) / took_s for name in after}
    appended = await asyncio.to_thread(_appended, env)
    since = began + _WARM_UP_S
    return Measured(seen.latencies_ms(since), seen.hops_ms(since, appended), used)


def _appended(env: Mapping[str, str]) -> dict[str, dict[tuple[str, str], float]]:
    """When what a moment of a call led to was written to each topic on its way; the last of it, where it is several."""
    edge = Edge(KafkaSettings(bootstrap_servers=env["KAFKA_BOOTSTRAP_SERVERS"], topic_prefix=env[_PREFIX]))
    found: dict[str, dict[tuple[str, str], float]] = {}
    for topic in _WAY:
        times = found[topic] = {}
        for record in edge.tail(topic, from_start=True, follow=False):
            headers = dict(record.headers)
            if record.timestamp_ms is not None and headers["ce_type"] in _LEADS:
                times[headers["ce_subject"].decode(), headers["ce_time"].decode()] = record.timestamp_ms / 1_000
    return found


async def _watch(client: httpx.AsyncClient, agent: str, seen: Seen) -> None:
    """One dashboard: the suggestions of one agent's calls."""
    async with client.stream("GET", "/v1/streams", params={"agent": agent, "of": "suggestions"}) as reply:
        reply.raise_for_status()
        name = ""
        async for line in reply.aiter_lines():
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            elif line.startswith("data:") and name == "suggestion.created":
                told: dict[str, Any] = json.loads(line.removeprefix("data:"))
                seen.shown.append((told["call_id"], told["ce_time"], time.time()))


async def _answers(client: httpx.AsyncClient) -> None:
    """Until the gateway listens."""
    deadline = time.monotonic() + _JOINED_S
    while True:
        try:
            (await client.get("/healthz")).raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)
        else:
            return


if __name__ == "__main__":
    main()
