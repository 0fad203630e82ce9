"""Changing what a tenant has published, one at a time: what was read is what is changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pipeline.errors import ConvmineError, Retryable
from pipeline.settings import Settings
from pipeline.stages import PROMPTS, SCENARIOS
from workers.edge import Edge, Spans
from workers.published import Published, published_in, spans_of
from workers.records import NewRecord
from workers.transactions import Superseded, Transactions, transactions

_SETTLED_S: Final = 40.0
"""Seconds after which a transaction of another tenant whose process was killed has ended: the broker gives it 30."""
_PAUSE_S: Final = 0.5


class ChangedMeanwhile(ConvmineError):
    """Somebody else began to change what is published after we had looked; nothing of ours was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is published now, and how to change it."""

    published: Published
    _writer: Transactions
    _look: str

    def publish(self, records: Sequence[NewRecord]) -> None:
        """Write all of these or none; once.

        Raises:
            ChangedMeanwhile: another change began after this one; it may have come between.
            Poison: a record is larger than a message may be.
            Retryable: the broker is away; in the worst case it fell silent when all was written.
        """
        try:
            self._writer.write(records, lambda _: ())
        except Superseded as error:
            raise ChangedMeanwhile(
                "another change is under way or came between; nothing was changed",
                hint=f"look again with {self._look}, then repeat it",
            ) from error


@contextmanager
def exclusive(
    settings: Settings, topics: Sequence[str] = (SCENARIOS, PROMPTS), *, look: str = "convmine prompt list"
) -> Iterator[Change]:
    """Begin a change of what the tenant of the settings has published in these topics.

    The name of its transactions is fixed for the tenant: who begins later fences whoever has begun before, whose
    ``publish`` then fails. What is read comes after that fence, so no change that was published is missed.

    Args:
        settings: the broker and the tenant.
        topics: what is read.
        look: the command that shows what is published, for who was superseded.

    Raises:
        ConvmineError: a topic is missing.
        Retryable: the broker is away.
    """
    edge = Edge(settings.kafka)
    spans_of(edge, settings, topics)  # before the fence: who has no topics to change disturbs nobody
    with transactions(settings.kafka, f"config.{settings.tenant}") as writer:
        spans = settled(
            lambda: spans_of(edge, settings, topics), lambda: spans_of(edge, settings, topics, settled=False)
        )
        yield Change(published_in(edge.read(spans), settings.tenant), writer, look)


def settled(
    committed: Callable[[], Spans],
    written: Callable[[], Spans],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Spans:
    """The spans of what is committed, once that is all that was written when we first looked.

    Behind the transaction of another tenant that is open, what our tenant has committed cannot be read: it would be as
    if it were not there.

    Raises:
        Retryable: the other transaction does not end.
    """
    whole, started = written(), clock()
    while True:
        spans = committed()
        if all(span.stop >= whole[place].stop for place, span in spans.items() if place in whole):
            return spans
        if clock() - started > _SETTLED_S:
            raise Retryable("a change of another tenant does not end", dependency="kafka", hint="try again in a minute")
        sleep(_PAUSE_S)
