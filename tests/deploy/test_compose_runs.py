"""Every service of ours in deploy/compose.yaml, run here without containers by its own command line and environment.

Host names lead to a Kafka and a stand-in for Qdrant on loopback, the volume is a folder, and each port of a container
is a free one. What starts in which order, and what is healthy, is what compose.yaml says.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from composed import Here, ours, services
from kafka_node import free_port
from processes import CONVMINE, environment, running, wait_until

JOBS = ("topics", "store", "keys")
GRACE_S = 45
ROOT = Path(__file__).resolve().parents[2]


class Composed:
    """The services that go on, as processes, and commands beside them."""

    def __init__(self, here: Here, logs: Path) -> None:
        self.here = here
        self._logs = logs
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def up(self) -> None:
        """What ``docker compose up`` does: the jobs to their end, then everything that goes on."""
        for job in JOBS:
            self.run(job)
        for name in ours():
            if name not in JOBS:
                with (self._logs / f"{name}.log").open("wb") as log:
                    self._processes[name] = subprocess.Popen(
                        self._command(name, []), env=self._env(name), stdout=log, stderr=log, start_new_session=True
                    )

    def run(self, name: str, *arguments: str) -> str:
        """What ``docker compose run`` does; gives what was printed."""
        command = self._command(name, list(arguments))
        done = subprocess.run(command, env=self._env(name), capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == 0, f"{name}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def sick(self) -> list[str]:
        """Which have no health check that succeeds, or have ended."""
        for name, process in self._processes.items():
            assert process.poll() is None, f"{name} ended: {(self._logs / f'{name}.log').read_text()[-3_000:]}"
        asked = {
            name: subprocess.Popen(self.here.health(name), stdout=subprocess.DEVNULL, env=self._env(name))
            for name in self._processes
        }
        return [name for name, process in asked.items() if process.wait(30)]

    def down(self) -> dict[str, int]:
        """What ``docker compose down`` does, by process id: SIGTERM to all, and SIGKILL to whoever takes too long."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_S
        ends = {}
        for name, process in self._processes.items():
            try:
                ends[name] = process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                ends[name] = process.wait()
        self._processes.clear()
        return ends

    def _command(self, name: str, arguments: list[str]) -> list[str]:
        given = services("*")[name]
        program = given["entrypoint"] or CONVMINE  # where there is none, the image's own, which is convmine
        return [*program, *(arguments or self.here.words(given["command"]))]

    def _env(self, name: str) -> dict[str, str]:
        return {**environment(self.here.environment(name)), "CONVMINE_RUNTIME_DRAIN_S": "10", "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory, kafka_servers: str) -> Iterator[Composed]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.delenv("CONVMINE_AUDIT_PATH")  # the services' own places are what is tried
        patch.delenv("CONVMINE_BUDGET_LEDGER_PATH")
        folder, logs, port = tmp_path_factory.mktemp("composed"), tmp_path_factory.mktemp("logs"), free_port()
        here = Here(folder, {"kafka:9092": kafka_servers, "qdrant:6333": f"127.0.0.1:{port}"})
        here.prepare()
        qdrant = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port)]
        stack.enter_context(running(qdrant, environment({}), logs / "qdrant.log"))
        wait_until(lambda: _answers(f"http://127.0.0.1:{port}"), seconds=60, logs=logs)
        started = Composed(here, logs)
        stack.callback(started.down)
        started.up()
        wait_until(lambda: not started.sick(), seconds=280, logs=logs)
        yield started


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False


@pytest.mark.timeout(600)
def test_the_samples_are_published_with_one_command_and_mined(composed: Composed) -> None:
    said = composed.run("samples")
    assert said.count("calls.recordings, partition") == 8
    assert said.count("calls.transcripts.batch, partition") == 2
    deadline = time.monotonic() + 240
    while len(mined := _calls(composed)) < 3:
        assert time.monotonic() < deadline, mined
        time.sleep(2)
    assert {"chat-zh-01", "chat-zh-02"} <= set(mined)
    assert any(name.startswith("call-0") for name in mined)
    assert not composed.sick()


def _calls(composed: Composed) -> dict[str, Any]:
    """The calls of which intents were stored, as the service ``cli`` shows them."""
    items = json.loads(composed.run("cli", "calls", "list", "--json"))["items"]
    return {one["call_id"]: one for one in items if one["outcome_inferred"]}


@pytest.mark.timeout(300)
def test_a_key_that_the_cli_makes_opens_the_gateway(composed: Composed) -> None:
    key = json.loads(composed.run("cli", "keys", "new", "--scope", "analyst", "--json"))["key"]
    url = f"http://127.0.0.1:{composed.here.port('gateway', 8080)}/v1/calls"
    assert httpx.get(url, timeout=10).status_code == 401
    answer = httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
    assert (answer.status_code, bool(answer.json()["items"])) == (200, True)


def test_every_process_tells_prometheus_how_it_is(composed: Composed) -> None:
    for name in ours():
        if name not in JOBS:
            page = httpx.get(f"http://127.0.0.1:{composed.here.port(name, 9464)}/metrics", timeout=10).text
            assert re.search(r"^convmine_\w+(?:\{.*\})? ", page, re.MULTILINE), name


@pytest.mark.timeout(200)
def test_told_to_stop_each_ends_by_itself_within_its_grace(composed: Composed) -> None:
    ends = composed.down()
    assert ends == dict.fromkeys(ends, 0)
    assert set(ends) == {name for name in ours() if name not in JOBS}
