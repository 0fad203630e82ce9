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


class KafkaNode:
    """One node on ports and in a folder of its own, which it keeps when it is stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "kafka.log"
        self._port, self._controller = free_port(), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self, seconds: float = 180.0) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait(self._process, seconds)

    def stop(self) -> None:
        """End it by its process id, with its process group."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _command(self) -> list[str]:
        ports = ("--port", str(self._port), "--controller-port", str(self._controller))
        return [str(ROOT / "scripts" / "kafka-local"), *ports, "--dir", str(self._folder / "kafka")]

    def _environment(self) -> dict[str, str]:
        return dict(os.environ)

    def _options(self) -> dict[str, object]:
        """What clients are made with, besides the servers."""
        return {}

    def _wait(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError

        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and process.poll() is None:
            try:
                KafkaAdminClient(bootstrap_servers=self.servers, bootstrap_timeout_ms=2_000, **self._options()).close()
            except KafkaError:
                time.sleep(0.3)
            else:
                return
        self.stop()
        raise RuntimeError(f"Kafka did not start: {self._log.read_text()[-2_000:]}")


@contextmanager
def kafka_node(folder: Path) -> Iterator[str]:
    """Yield ``host:port`` of a broker that answers: the one that is set, or one of our own."""
    if servers := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield servers
        return
    with own_kafka_node(folder) as node:
        yield node.servers


@contextmanager
def own_kafka_node(folder: Path) -> Iterator[KafkaNode]:
    """A node that may be stopped and started again; it is ended at the end."""
    node = KafkaNode(folder)
    try:
        node.start()
        yield node
    finally:
        node.stop()
