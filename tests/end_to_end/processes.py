"""Real processes for the end-to-end tests: each has its own log, and is ended by its process id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.settings import KafkaSettings
from pipeline.stages import STAGES, Stage
from workers.edge import Edge

ROOT = Path(__file__).resolve().parents[2]
# Set in tests/conftest.py, so that no test writes where a person keeps his own.
PLACES = frozenset({"CONVMINE_AUDIT_PATH", "CONVMINE_BUDGET_LEDGER_PATH"})
CONVMINE = [sys.executable, "-c", "from workers.cli import main; main()"]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """This environment without settings of convmine, but for where tests write, plus those given."""
    shared = {"KAFKA_BOOTSTRAP_SERVERS", "QDRANT_URL", "OPENAI_API_KEY", "OPENAI_BASE_URL"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in PLACES or not (name.startswith("CONVMINE_") or name in shared)
    }
    return {**kept, "PYTHONPATH": str(ROOT), **changes}


def environment_of(kafka: KafkaSettings, folder: Path, changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same of a gateway or a dashboard over this broker and these topics; all that it keeps is in the folder."""
    return environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "CONVMINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "CONVMINE_GATEWAY_KEYS": str(folder / "keys.json"),
            "CONVMINE_STORE_PATH": str(folder / "qdrant"),
            "CONVMINE_STORE_EMBEDDER": "hashing",
            "CONVMINE_AUDIT_PATH": str(folder / "audit.sqlite"),
            "CONVMINE_BUDGET_LEDGER_PATH": str(folder / "usage.sqlite"),
            **(changes or {}),
        }
    )


def convmine(*arguments: str, env: Mapping[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of convmine to its end."""
    done = subprocess.run([*CONVMINE, *arguments], env=env, capture_output=True, text=True, timeout=240, check=False)
    if check and done.returncode:
        raise AssertionError(f"convmine {' '.join(arguments)} -> {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def convmine_json(*arguments: str, env: Mapping[str, str]) -> Any:
    """What a command of convmine answers with ``--json``."""
    return json.loads(convmine(*arguments, "--json", env=env).stdout)


@contextmanager
def running(command: list[str], env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in the background, told to stop at the end and given time to."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def served(
    command: str, env: Mapping[str, str], log: Path, *, seconds: float
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """``convmine gateway`` or ``convmine dashboard`` at a free port: its address, and itself."""
    with running([*CONVMINE, command, "--port", "0"], env, log) as process:
        wait_until(lambda: "http://" in log.read_text(), seconds=seconds, logs=log.parent)
        yield next(line for line in log.read_text().splitlines() if line.startswith("http://")), process


def edge_of(env: Mapping[str, str]) -> Edge:
    """The broker and the topics of these settings, asked from here: what is waited for is asked for often, and to start
    a command each time costs more than what it waits for."""
    prefix, partitions = env["CONVMINE_KAFKA_TOPIC_PREFIX"], int(env["CONVMINE_KAFKA_PARTITIONS"])
    servers = env["KAFKA_BOOTSTRAP_SERVERS"]
    return Edge(KafkaSettings(bootstrap_servers=servers, topic_prefix=prefix, partitions=partitions))


def is_idle(env: Mapping[str, str], *stages: Stage) -> bool:
    """Whether these stages, or all of them, have done all that has been published for them.

    Two looks: while one is taken an event may pass from a stage that is looked at to one that has been.
    """
    edge = edge_of(env)
    return not any(row.behind for _ in range(2) for row in edge.lag(stages or STAGES))


def wait_until(true: Callable[[], bool], *, seconds: float, logs: Path) -> None:
    """Ask again and again; when the time is up, show the ends of all logs."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            ends = "\n".join(f"--- {log.name}\n{log.read_text()[-3_000:]}" for log in sorted(logs.glob("*.log")))
            raise AssertionError(f"not within {seconds} s\n{ends}")
        time.sleep(0.5)
