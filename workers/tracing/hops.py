"""Traces across Kafka: an event's span goes on from the record's ``traceparent``, and what follows carries it on.

Source of names and attributes: OpenTelemetry's semantic conventions for messaging and Kafka (1.44, in development).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from pipeline.stages import Stage
from pipeline.tracing import NOTHING, Span, Tracer, Value, current, within
from workers.records import CHUNK_HEADER, REPLAY_STAGE, NewRecord, Record, call_of

TRACEPARENT: Final = "traceparent"
_DEAD_LETTERS: Final = ".dlq"


def pseudonym(tenant_id: str, call_id: str) -> str:
    """A call in a span: a digest, by which who knows the call's id finds its trace, and nobody else the call."""
    return blake2b(f"{tenant_id}:{call_id}".encode(), digest_size=8).hexdigest()


class Hops:
    """The hops of one process, or of one stage of it, over Kafka.

    Args:
        tracer: makes spans.
        prefix: of the installation's topics and groups.
        stage: who reads; without it nobody does.
        show_calls: whether spans name their calls, by pseudonym.
    """

    def __init__(
        self, tracer: Tracer, *, prefix: str = "", stage: Stage | None = None, show_calls: bool = False
    ) -> None:
        self.tracer = tracer
        self._prefix = prefix
        self._show_calls = show_calls
        self._whose: dict[str, Value] = {}
        self._reading: dict[str, Value] = {}
        if stage is not None:
            self._whose = {"convmine.stage": stage.name, "convmine.lane": str(stage.lane)}
            self._reading = {"messaging.consumer.group.name": prefix + stage.group, **self._whose}

    @contextmanager
    def processing(self, record: Record) -> Iterator[None]:
        """All that is done inside belongs to the span of this record.

        A live chunk of audio, of which there are five a second, has no span of its own: what follows from it belongs to
        that of its sender. A replayed dead letter begins a trace of its own, with a link to that in which it died.
        """
        came_with, is_replay, is_chunk = _of(record)
        if is_chunk:
            with within(self.tracer.passing(came_with) or NOTHING):
                yield
            return
        parent, link = ("", came_with) if is_replay else (came_with, "")
        attributes = {
            **self._about("process", record.topic),
            **self._reading,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
        }
        if self._show_calls and (whose := call_of(record)) is not None:
            attributes["convmine.call"] = pseudonym(*whose)
        span = self.tracer.start(f"process {record.topic}", "consumer", attributes, parent=parent, link=link)
        with within(span):
            yield

    def playing(self, course: Iterator[tuple[int, NewRecord]]) -> Iterator[tuple[int, NewRecord]]:
        """The records of a live call that is played, all below one span, which lasts until the last of them."""
        span: Span | None = None
        try:
            for due_ms, record in course:
                if span is None:
                    span = self._span_of(record)
                yield due_ms, _carrying(record, span.traceparent)
        finally:
            if span is not None:
                span.end()

    @contextmanager
    def gathered(self, record: Record) -> Iterator[None]:
        """The same for what many events gave together: a trace of its own, with a link to that of the last one."""
        came_with, _, _ = _of(record)
        attributes = {**self._about("process", record.topic), **self._reading, "convmine.gathered": True}
        with within(self.tracer.start(f"process {record.topic}", "consumer", attributes, link=came_with)):
            yield

    @contextmanager
    def sending(self, records: Sequence[NewRecord]) -> Iterator[list[NewRecord]]:
        """The records as they are to be published, each with a span until all are confirmed.

        A dead letter keeps what it came with, and a chunk of audio goes on with the current span.
        """
        spans: list[Span] = []
        carrying: list[NewRecord] = []
        for record in records:
            if any(name == CHUNK_HEADER for name, _ in record.headers):
                carrying.append(_carrying(record, current().traceparent))
                continue
            span = self._span_of(record)
            spans.append(span)
            is_dead = record.topic.endswith(_DEAD_LETTERS)
            carrying.append(record if is_dead else _carrying(record, span.traceparent))
        try:
            yield carrying
        except BaseException as error:
            for span in spans:
                span.fail(type(error).__name__)
            raise
        finally:
            for span in spans:
                span.end()

    def _span_of(self, record: NewRecord) -> Span:
        name, attributes = f"send {record.topic}", {**self._about("send", record.topic), **self._whose}
        above = current()
        if above is not NOTHING:
            return above.below(name, "producer", attributes)
        came_with = next((value for header, value in record.headers if header == TRACEPARENT), b"")
        return self.tracer.start(name, "producer", attributes, parent=came_with.decode(errors="replace"))

    def _about(self, operation: str, topic: str) -> dict[str, Value]:
        return {
            "messaging.system": "kafka",
            "messaging.operation.name": operation,
            "messaging.operation.type": operation,
            "messaging.destination.name": self._prefix + topic,
        }


def sending(hops: Hops | None, records: Sequence[NewRecord]) -> AbstractContextManager[Sequence[NewRecord]]:
    """As ``Hops.sending`` has them; where traces are off, the records as they are."""
    return nullcontext(records) if hops is None else hops.sending(records)


def _of(record: Record) -> tuple[str, bool, bool]:
    """What a record came with, whether it is a replay, and whether a chunk of audio."""
    came_with, is_replay, is_chunk = b"", False, False
    for name, value in record.headers:
        if name == TRACEPARENT:
            came_with = value or b""
        elif name == REPLAY_STAGE:
            is_replay = True
        elif name == CHUNK_HEADER:
            is_chunk = True
    return came_with.decode(errors="replace"), is_replay, is_chunk


def _carrying(record: NewRecord, traceparent: str) -> NewRecord:
    """The record with this traceparent in the place of the one that it has."""
    if not traceparent:
        return record
    others = tuple(header for header in record.headers if header[0] != TRACEPARENT)
    return replace(record, headers=(*others, (TRACEPARENT, traceparent.encode())))
