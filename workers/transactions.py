"""Several records as one: all of them are written or none, also where this process is killed in between.

On the transactional producer of kafka-python. Measured with 3.0.12 on Kafka 4.1.1: 0.2 s for 200 records of 500 bytes;
of a transaction that was given up, readers of committed records see nothing, others see what had been sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.handling import Position
from pipeline.settings import KafkaSettings
from workers.kafka_clients import BOOTSTRAP_MS, translated
from workers.kafka_security import kafka_python_options
from workers.records import NewRecord, largest_record

_LONGEST_S: Final = 30
"""Seconds that one transaction may take before the broker gives it up."""
_START_S: Final = 20
"""Seconds that the broker may take to give up what a predecessor left open, and to start."""
_END_S: Final = 5
"""Seconds in which a transaction that failed is given up by ourselves; later the broker does it."""

Afterwards = Callable[[Sequence[Position]], Sequence[NewRecord]]


class Superseded(ConvmineError):
    """Another process has taken over the name of these transactions: nothing more can be written under it here."""


class Transactions:
    """The transactions of one name; only the process that took the name last can write.

    After an error nothing more can be written: its producer is spoilt. Where the broker fell silent at the very end it
    may yet have written all.
    """

    def __init__(self, settings: KafkaSettings, producer: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        self._settings = settings
        self._producer = producer

    def write(self, records: Sequence[NewRecord], afterwards: Afterwards) -> list[Position]:
        """Write records and what ``afterwards`` makes of where they stand, as one; where they stand.

        Raises:
            Superseded: another process has taken the name.
            Poison: a record is larger than its topic takes.
            Retryable: the broker is away.
        """
        with translated(self._settings), _told_by_the_broker():
            self._producer.begin_transaction()
            try:
                positions = self._send(records)
                self._send(afterwards(positions))
                _within(_LONGEST_S, self._producer.commit_transaction)
            except BaseException:
                with suppress(Exception):
                    _within(_END_S, self._producer.abort_transaction)
                raise
        return positions

    def _send(self, records: Sequence[NewRecord]) -> list[Position]:
        pending = [
            self._producer.send(
                self._settings.topic_prefix + record.topic,
                key=record.key,
                value=record.value,
                headers=list(record.headers),
                partition=record.partition,
            )
            for record in records
        ]
        sent = [future.get(timeout=_LONGEST_S) for future in pending]
        return [Position(record.topic, at.partition, at.offset) for record, at in zip(records, sent, strict=True)]


@contextmanager
def transactions(settings: KafkaSettings, name: str) -> Iterator[Transactions]:
    """Take this name for our transactions; whoever had it can write no more, and what it had left open is given up.

    Raises:
        Retryable: no broker answers, or it starts no transactions.
    """
    from kafka import KafkaProducer
    from kafka.errors import KafkaTimeoutError

    with translated(settings):
        producer = KafkaProducer(
            **kafka_python_options(settings),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            transactional_id=f"{settings.topic_prefix}convmine.{name}",
            transaction_timeout_ms=_LONGEST_S * 1_000,
            delivery_timeout_ms=_LONGEST_S * 1_000,
            request_timeout_ms=_START_S * 1_000,
            max_block_ms=_START_S * 1_000,
            max_request_size=largest_record(settings),
        )
    try:
        with translated(settings):
            try:
                producer.init_transactions()
            except KafkaTimeoutError as error:
                raise Retryable(
                    f"Kafka at {settings.bootstrap_servers} starts no transaction",
                    dependency="kafka",
                    hint="transaction.state.log.replication.factor must not be more than it has brokers",
                ) from error
        yield Transactions(settings, producer)
    finally:
        with suppress(KafkaTimeoutError):
            producer.close(timeout=_END_S)


@contextmanager
def _told_by_the_broker() -> Iterator[None]:
    """What only a producer with transactions is told, as errors of ours."""
    from kafka.errors import (
        InvalidProducerEpochError,
        KafkaError,
        KafkaTimeoutError,
        MessageSizeTooLargeError,
        ProducerFencedError,
        RecordListTooLargeError,
    )

    try:
        yield
    except KafkaError as error:
        cause = next((one for one in error.args if isinstance(one, KafkaError)), error)
        if isinstance(cause, (ProducerFencedError, InvalidProducerEpochError)):
            raise Superseded("another process has taken over") from error
        if isinstance(cause, (MessageSizeTooLargeError, RecordListTooLargeError)):
            raise Poison(f"larger than a message may be: {cause}") from error
        if "unknown reasons" in str(cause):  # the client's words for a request of its own that nobody answered
            raise KafkaTimeoutError from error
        raise


def _within(seconds: float, call: Callable[[], object]) -> None:
    """Call what waits for the broker without end, and wait only so long.

    Raises:
        KafkaTimeoutError: it has not returned.
    """
    from kafka.errors import KafkaTimeoutError

    failed: list[BaseException] = []

    def run() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise KafkaTimeoutError(f"no answer within {seconds} s")
    if failed:
        raise failed[0]
