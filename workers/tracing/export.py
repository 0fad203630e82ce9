"""Spans on their way out: from a queue of fixed size, by a thread of its own, so that no event ever waits for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace import Span as SdkSpan

BATCH: Final = 512
"""Spans of one request, as OpenTelemetry's own processor has it."""
EVERY_S: Final = 0.5
"""Seconds between two looks at the queue. The thread is never woken: that would cost each span a lock."""

log: Final = structlog.get_logger()


class Send(Protocol):
    """Sends spans; False, or an error, where they did not arrive."""

    def __call__(self, spans: Sequence[ReadableSpan]) -> bool: ...


class Export:
    """A span processor of OpenTelemetry's that never blocks; what finds no room is dropped and counted.

    OpenTelemetry's own drops too, but says how many to its own metrics alone.

    Args:
        send: sends a batch, in this processor's thread.
        registry: where it is counted what became of spans.
        room: spans that may wait.
        every_s: seconds between two looks.
    """

    def __init__(self, send: Send, registry: CollectorRegistry, *, room: int, every_s: float = EVERY_S) -> None:
        spans = Counter("convmine_trace_spans", "Spans by what became of them.", ["outcome"], registry=registry)
        self._sent, self._failed, self._dropped = (spans.labels(it) for it in ("sent", "failed", "dropped"))
        self._send = send
        self._room = room
        self._every_s = every_s
        self._waiting: deque[ReadableSpan] = deque()
        self._closing = threading.Event()
        self._away = False
        self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
        self._thread.start()

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Nothing is done with a span before it has ended."""

    def _on_ending(self, span: SdkSpan) -> None:
        """As on_start: OpenTelemetry asks every processor."""

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended; of a trace that is not sampled it is nobody's."""
        if span.context is None or not span.context.trace_flags.sampled:
            return
        if len(self._waiting) >= self._room or self._closing.is_set():
            self._dropped.inc()
        else:
            self._waiting.append(span)

    def close(self, seconds: float) -> None:
        """Send what waits, for at most so many seconds; the rest is dropped. The thread does not hold the process."""
        self._closing.set()
        self._thread.join(seconds)
        left = 0
        while self._waiting:
            self._waiting.popleft()
            left += 1
        if left:
            self._dropped.inc(left)
            log.warning("spans were not sent before the end", spans=left)

    def shutdown(self) -> None:
        """As OpenTelemetry names it; ``close`` is how it is done here."""
        self.close(0)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is flushed but at the end."""
        del timeout_millis
        return not self._waiting

    def _run(self) -> None:
        while not self._closing.wait(self._every_s):
            self._send_all(lambda: False)
        self._send_all(lambda: self._away)

    def _send_all(self, give_up: Callable[[], bool]) -> None:
        while self._waiting and not give_up():
            batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            if arrived := self._arrives(batch):
                self._sent.inc(len(batch))
            else:
                self._failed.inc(len(batch))
            if arrived is self._away:
                self._away = not arrived
                log.warning("traces: spans arrive again" if arrived else "traces: spans do not arrive and are lost")

    def _arrives(self, batch: Sequence[ReadableSpan]) -> bool:
        try:
            return self._send(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, no worker may end for its spans
            log.debug("spans were not sent", error=type(error).__name__)
            return False
