"""A real Apache Kafka for the tests: the broker of KAFKA_BOOTSTRAP_SERVERS, or one node of our own on free ports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def kafka_node(folder: Path, *, seconds: float = 180.0) -> Iterator[str]:
    """Yield ``host:port`` of a broker that answers; ours is ended by its process id, with its process group."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield servers
        return
    port, controller = free_port(), free_port()
    log = (folder / "kafka.log").open("wb")
    process = subprocess.Popen(
        [
            str(ROOT / "scripts" / "kafka-local"),
            *("--port", str(port)),
            *("--controller-port", str(controller)),
            *("--dir", str(folder / "kafka")),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_for(process, port, folder / "kafka.log", seconds)
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.close()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float) -> None:
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", bootstrap_timeout_ms=2_000).close()
        except KafkaError:
            time.sleep(0.3)
        else:
            return
    raise RuntimeError(f"Kafka did not start: {log.read_text()[-2_000:]}")
