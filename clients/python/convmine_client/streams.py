"""Streams of events of calls that are on: read as they come, and gone on with where the connection broke off."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_ENDS = frozenset({"bye", "dropped"})
_SILENT = frozenset({"status", "position"})
SILENCE_S = 45.0
"""Seconds without a byte after which a connection counts as broken: the gateway sends something each 15."""


@dataclass(frozen=True)
class StreamEvent:
    """One event: its name (``suggestion.created``), its fields, and the id to go on from after it.

    ``gap`` is an event of the stream itself: what came before it may not be whole.
    """

    name: str
    data: dict[str, Any]
    id: str


@dataclass
class Course:
    """Where a stream stands: what it is asked for, the id of the last event, and when to come back."""

    call: str | None = None
    agent: str | None = None
    of: Sequence[str] = ()
    lane: str | None = None
    last_event_id: str = ""
    retry_s: float = 2.0

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the request."""
        given = {"call": self.call, "agent": self.agent, "lane": self.lane, "of": ",".join(self.of)}
        return {name: value for name, value in given.items() if value}

    @property
    def headers(self) -> dict[str, str]:
        """What the request says of where to go on."""
        last = {"Last-Event-ID": self.last_event_id} if self.last_event_id else {}
        return {"Accept": "text/event-stream", **last}

    def wait_s(self, attempt: int, longest_s: float) -> float:
        """Seconds until to come back, after so many attempts without any event: doubling, up to the longest."""
        return float(min(longest_s, self.retry_s * 2 ** min(attempt, 10)) * random.uniform(0.5, 1.0))  # noqa: S311 - jitter


class Lines:
    """Server-sent events out of the lines of a response (HTML standard, 9.2.6).

    Lines end as the standard has it, and not where Unicode has other breaks, which may stand in the words of a call.
    """

    def __init__(self, course: Course) -> None:
        self._course = course
        self._rest = b""
        self._name = ""
        self._data: list[str] = []
        self._id = course.last_event_id
        self.ended = False

    def take(self, chunk: bytes) -> Iterator[StreamEvent]:
        """The events that a part of the response completes; ``ended`` once the gateway has said that it ends."""
        *lines, self._rest = (self._rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            event = self._line(line.decode())
            if event is None:
                continue
            if event.name in _ENDS:
                self.ended = True
            elif event.name not in _SILENT:
                yield event

    def _line(self, line: str) -> StreamEvent | None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            return self._complete()
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "retry" and value.isdecimal():
            self._course.retry_s = int(value) / 1_000
        return None

    def _complete(self) -> StreamEvent | None:
        name, data, self._name, self._data = self._name, "\n".join(self._data), "", []
        self._course.last_event_id = self._id
        return StreamEvent(name, json.loads(data), self._id) if data else None
