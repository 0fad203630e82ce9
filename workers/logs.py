"""Logging: JSON lines for machines, colours for a terminal; always on standard error, so that output stays clean."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from contextvars import ContextVar
from math import inf
from typing import Any, Final

import structlog

from pipeline.handling import Inbound
from pipeline.settings import LogSettings
from workers.records import Record

_SELDOM_S: Final = 10.0
_MOST_SAID: Final = 1_000
"""Messages that are remembered: some libraries write their values into the text, so that each is another one."""
_ABOUT: Final[ContextVar[tuple[Record, Inbound | None] | None]] = ContextVar("event", default=None)


def about(record: Record, inbound: Inbound | None = None) -> None:
    """What is logged from here on, in this task, is about this event; costs next to nothing until something is."""
    _ABOUT.set((record, inbound))


class Seldom(logging.Filter):
    """Lets the same message of a library pass once in so many seconds.

    aiokafka says dozens of times a second that it cannot connect, for as long as the broker is away.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this message was not said lately; which values stand in it makes no difference."""
        said, now = (record.name, str(record.msg)), self._clock()
        if now - self._said.get(said, -inf) < self._seconds:
            return False
        if len(self._said) >= _MOST_SAID:
            self._said.clear()
        self._said[said] = now
        return True


def configure(settings: LogSettings) -> None:
    """Send what structlog and the standard library log to standard error, in one form and from one level on."""
    as_json = settings.format == "json" or (settings.format == "auto" and not sys.stderr.isatty())
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_event,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.types.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        # The default traceback shows local variables: keys, and what was said.
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Seldom(_SELDOM_S))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _add_event(_logger: Any, _method: str, entry: structlog.types.EventDict) -> structlog.types.EventDict:  # noqa: ANN401 - structlog's own
    """The place of the event at work, and whose it is as soon as that is known."""
    if (current := _ABOUT.get()) is None:
        return entry
    record, inbound = current
    facts = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    if inbound is not None:
        envelope = inbound.message.envelope
        facts |= {"call_id": envelope.subject, "tenant": envelope.tenantid, "event_name": inbound.payload.event_name}
    return {**facts, **entry}
