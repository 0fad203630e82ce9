"""One installation on a broker and a store that others use, too: its settings, its servers of models, its topics."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
from kafka_node import free_port
from processes import ROOT, environment, running

from pipeline.settings import KafkaSettings, StoreSettings
from workers.edge import Edge, Lag

SESSION_TIMEOUT_S = 6
PARTITIONS = 4


@dataclass(frozen=True)
class Installation:
    """Where everything is, for the tests (``kafka``, ``store``) and for the workers (``env``)."""

    folder: Path
    kafka: KafkaSettings
    store: StoreSettings
    env: Mapping[str, str]

    @property
    def edge(self) -> Edge:
        return Edge(self.kafka)

    def behind(self) -> list[Lag]:
        """Partitions in which a stage still has something to do."""
        return [row for row in self.edge.lag() if row.behind]

    def wait_idle(self, seconds: float, healthy: Callable[[], object]) -> float:
        """Wait until no stage has anything left to do; how many seconds that took.

        ``healthy`` is asked all the while, and raises to end the waiting. Stages are asked in the order of the pipeline
        and publish before they commit, so that one look at all of them is enough.
        """
        start = time.monotonic()
        while rows := self.behind():
            healthy()
            assert time.monotonic() - start < seconds, f"not idle within {seconds} s: {rows}"
            time.sleep(1)
        return time.monotonic() - start


def installation(name: str, folder: Path, servers: str, store_url: str, models_url: str) -> Installation:
    """An installation with topics and collections of its own, made and empty."""
    own = f"{name}-{uuid4().hex[:8]}"
    kafka = KafkaSettings(bootstrap_servers=servers, topic_prefix=f"{own}.", partitions=PARTITIONS)
    store = StoreSettings(url=store_url, prefix=f"{own}-", embedder="hashing")
    folder.mkdir(parents=True, exist_ok=True)
    Edge(kafka).apply_topics()
    env = environment(
        {
            "KAFKA_BOOTSTRAP_SERVERS": servers,
            "QDRANT_URL": store_url,
            "CONVMINE_TENANT": "chaos",
            "CONVMINE_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "CONVMINE_KAFKA_SESSION_TIMEOUT_S": str(SESSION_TIMEOUT_S),
            "CONVMINE_STORE_PREFIX": store.prefix,
            "CONVMINE_STORE_EMBEDDER": store.embedder,
            "CONVMINE_STORE_TIMEOUT_S": "10",
            "CONVMINE_AUDIO_ALLOWED_ROOTS": str(folder.parent),
            "CONVMINE_ASR_ENGINE": "openai",
            "CONVMINE_ASR_BASE_URL": f"{models_url}/asr/v1",
            "CONVMINE_EXTRACT_EXTRACTOR": "llm",
            "CONVMINE_LLM_BASE_URL": f"{models_url}/llm/v1",
            "CONVMINE_LLM_TIMEOUT_S": "10",
            "CONVMINE_LLM_CACHE_PATH": str(folder / "answers.sqlite"),
            "CONVMINE_CLAIMS_ROOT": str(folder / "claims"),
            "CONVMINE_LOG_FORMAT": "json",
        }
    )
    return Installation(folder, kafka, store, env)


@dataclass(frozen=True)
class Models:
    """The stand-in for the servers of models."""

    url: str

    def fail(self, faults: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
        """Let these paths fail from now on, and no others; how often each path was asked and failed so far."""
        counts: dict[str, int] = httpx.put(f"{self.url}/faults", json=faults).json()
        return counts


@contextmanager
def models_stand_in(folder: Path) -> Iterator[Models]:
    """A server of models of our own."""
    port, tests = free_port(), ROOT / "tests"
    command = [sys.executable, str(tests / "chaos" / "models_stand_in.py"), "--port", str(port)]
    with running(command, environment({"PYTHONPATH": str(tests)}), folder / "models.log"):
        _wait_for(f"http://127.0.0.1:{port}/faults")
        yield Models(f"http://127.0.0.1:{port}")


@contextmanager
def qdrant(folder: Path) -> Iterator[str]:
    """``host:port`` of a Qdrant server: the one at ``QDRANT_URL`` (plain HTTP), or the stand-in."""
    if given := os.environ.get("QDRANT_URL"):
        url = httpx.URL(given)
        yield f"{url.host}:{url.port or 6333}"
        return
    port = free_port()
    command = [sys.executable, str(ROOT / "tests" / "qdrant_stand_in.py"), "--port", str(port)]
    with running(command, environment({}), folder / "qdrant.log"):
        _wait_for(f"http://127.0.0.1:{port}/readyz")
        yield f"127.0.0.1:{port}"


def _wait_for(url: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            httpx.get(url)
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.05)
        else:
            return
