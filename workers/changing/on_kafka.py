"""Changes on Kafka, each in a transaction that fences whoever began before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Final

from pipeline.errors import Retryable
from pipeline.scenarios.library import Library
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from workers.changing.grounds import OpenChange
from workers.config_changes import exclusive
from workers.edge import Edge
from workers.published import Published, published_in, spans_of

_WAIT_S: Final = 60.0
"""Seconds that a change waits for the one before it in this process: as long as that may take on a slow broker."""


class OnKafka:
    """The topics of the settings' broker.

    Changes of one process wait for each other, so that two people on one page do not overtake each other for nothing;
    those of several processes fence each other (``workers.config_changes``).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = Lock()

    def library(self) -> Library:
        return load_library(self._settings)

    def published(self, tenant: str, topics: Sequence[str]) -> Published:
        settings, edge = self._of(tenant), Edge(self._settings.kafka)
        return published_in(edge.read(spans_of(edge, settings, topics)), tenant)

    @contextmanager
    def change(self, tenant: str, topics: Sequence[str], *, look: str) -> Iterator[OpenChange]:
        if not self._turn.acquire(timeout=_WAIT_S):
            raise Retryable("another change does not end", dependency="kafka", hint="try again in a minute")
        try:
            with exclusive(self._of(tenant), topics, look=look) as change:
                yield change
        finally:
            self._turn.release()

    def _of(self, tenant: str) -> Settings:
        return self._settings.model_copy(update={"tenant": tenant})
