"""Streams of a real gateway process on a real Kafka: tickets, another gateway, the end of one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from live_desk import record, suggested
from processes import convmine_json, environment_of, served

from convmine_client import Client, StreamEvent
from pipeline.settings import KafkaSettings
from workers.edge import Edge


@contextmanager
def gateway(name: str, env: dict[str, str], folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """A gateway process with a store of its own: its address, itself, its log."""
    log = folder / f"{name}.log"
    own = {**env, "CONVMINE_STORE_PATH": str(folder / name)}
    with served("gateway", own, log, seconds=60) as (url, process):
        yield url, process, log


def test_a_stream_goes_on_at_another_gateway_when_its_own_is_told_to_end(
    kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    edge = Edge(kafka_settings)
    edge.apply_topics()
    changes = {"CONVMINE_TENANT": "acme", "CONVMINE_GATEWAY_TICKET_SECRET": "the same at both"}
    env = environment_of(kafka_settings, tmp_path, changes)
    key = convmine_json("keys", "new", "--scope", "supervisor", env=env)["key"]
    with ExitStack() as stack:
        (one, process, log), (other, _, _) = (
            stack.enter_context(gateway(name, env, tmp_path)) for name in ("one", "other")
        )
        bearer = {"Authorization": f"Bearer {key}"}
        ticket = httpx.post(f"{one}/v1/tickets", headers=bearer).json()["ticket"]
        with httpx.stream("GET", f"{other}/v1/streams", params={"ticket": ticket}, timeout=30) as response:
            assert response.status_code == 200, "a gateway takes the tickets of another"
        assert ticket not in log.read_text()

        last, data = "", list[str]()
        with httpx.stream("GET", f"{one}/v1/streams", headers=bearer, timeout=30) as watching:
            lines = watching.iter_lines()
            next(line for line in lines if '"live"' in line)
            edge.publish([record(suggested(number, f"call-{number}"), f"e{number}") for number in (3, 4, 5)])
            for line in lines:
                last = line[4:] if line.startswith("id: ") else last
                data += [line] if "suggestion_id" in line else []
                if len(data) == 2:
                    break
            os.kill(process.pid, signal.SIGTERM)
            assert "event: bye" in list(lines)
        assert process.wait(30) == 0
        got: list[StreamEvent] = []
        with Client(other, key) as client:
            edge.publish([record(suggested(6, "call-6"), "e6")])
            for event in client.stream(last_event_id=last):
                got.append(event)
                if len(got) == 2:
                    break
    before = {f"s{number}" for number in range(3, 6) if any(f'"s{number}"' in line for line in data)}
    after = {event.data["suggestion_id"] for event in got}
    assert len(before) == 2
    assert before | after == {"s3", "s4", "s5", "s6"}
    assert before & after == set()
