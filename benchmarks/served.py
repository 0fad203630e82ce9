"""A gateway or a dashboard as a process over a real Kafka, and a key for it: whom benchmarks ask."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import processes

from benchmarks.broker import Broker
from pipeline.access.keys import new_key
from pipeline.settings import KafkaSettings
from workers.edge import Edge
from workers.gateway.key_file import change_keys

_OPEN_S: Final = 240.0
_READ_S: Final = 2.0
"""Seconds in which it reads what there is."""


@dataclass(frozen=True, slots=True)
class Served:
    """One that runs, its key, and the topics that it reads; what it keeps is in the folder."""

    url: str
    key: str
    pid: int
    kafka: KafkaSettings
    folder: Path


@contextmanager
def served(
    command: Literal["dashboard", "gateway"], broker: Broker, folder: Path, *, tenant: str, scope: str
) -> Iterator[Served]:
    """Start one, over topics that are made for it, and end it."""
    settings = KafkaSettings(bootstrap_servers=broker.servers, topic_prefix=broker.prefix, partitions=6)
    Edge(settings).apply_topics()
    made = new_key([scope], tenant=tenant, now=datetime.now(UTC))
    change_keys(folder / "keys.json", lambda ring: ring.with_key(made.kept))
    env = processes.environment_of(settings, folder)
    with processes.served(command, env, folder / f"{command}.log", seconds=_OPEN_S) as (url, process):
        time.sleep(_READ_S)
        yield Served(url, made.text.get_secret_value(), process.pid, settings, folder)
