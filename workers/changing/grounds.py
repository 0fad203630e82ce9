"""Where a tenant's scenarios, prompts and cards are published: looked at, and changed one at a time."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from pipeline.scenarios.library import Library
from workers.published import Published
from workers.records import NewRecord


class OpenChange(Protocol):
    """A change that was begun: what is published now, and how to write."""

    @property
    def published(self) -> Published: ...

    def publish(self, records: Sequence[NewRecord]) -> None:
        """Write all of these or none.

        Raises:
            ChangedMeanwhile: another change came between; nothing was written.
            Retryable: the place is away.
        """


class Grounds(Protocol):
    """A place where things are published. All of it waits for the place: call it in a thread.

    Raises:
        ConvmineError: the place has no topics for it.
        Retryable: the place is away.
    """

    def library(self) -> Library:
        """The scenarios of files, with nothing published over them; whoever asks may change it."""

    def published(self, tenant: str, topics: Sequence[str]) -> Published:
        """What a tenant has published in these topics."""

    def change(self, tenant: str, topics: Sequence[str], *, look: str) -> AbstractContextManager[OpenChange]:
        """Begin a change of it; ``look`` says where to look again for whoever was overtaken."""
