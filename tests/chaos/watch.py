"""What workers say of themselves over HTTP, asked again and again while a test goes on."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

_AWAY = re.compile(r"^convmine_dependency_away\{(?P<labels>[^}]*)\} 1(\.0)?$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_EVERY_S = 1.0


@dataclass(frozen=True)
class Look:
    """One worker at one moment: which dependencies its metric says are away, and what ``/healthz`` answers."""

    at_s: float
    worker: str
    away: frozenset[str]
    status: int
    health: Mapping[str, Any]

    @property
    def health_names(self) -> frozenset[str]:
        """The dependencies that ``/healthz`` says are away."""
        return frozenset(one["dependency"] for stage in self.health.get("stages", ()) for one in stage["away"])


class Watch:
    """Looks at all workers (their ports by name) about once a second, for as long as the context is open."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._ports = ports
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._begin = 0.0
        self.looks: list[Look] = []

    def __enter__(self) -> Self:
        self._begin = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def at(self, worker: str, begin_s: float, end_s: float) -> list[Look]:
        """The looks at a worker in this time."""
        return [look for look in self.looks if look.worker == worker and begin_s <= look.at_s <= end_s]

    def _run(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self.looks += [self._look(name, port) for name, port in self._ports.items()]

    def _look(self, name: str, port: int) -> Look:
        metrics = _page(f"http://127.0.0.1:{port}/metrics")[1]
        away = frozenset(dict(_LABEL.findall(found["labels"]))["dependency"] for found in _AWAY.finditer(metrics))
        status, body = _page(f"http://127.0.0.1:{port}/healthz")
        return Look(time.monotonic() - self._begin, name, away, status, json.loads(body) if body else {})


def _page(url: str) -> tuple[int, str]:
    """Status and body; 0 where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""
