"""Clients of kafka-python, opened and closed, with what they raise as errors of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pipeline.errors import ConvmineError, Retryable
from pipeline.settings import KafkaSettings

_BOOTSTRAP_MS: Final = 5_000
"""Milliseconds in which a broker must answer at all."""


def servers_of(settings: KafkaSettings) -> list[str]:
    """The brokers to start from, each as ``host:port``."""
    return settings.bootstrap_servers.split(",")


@contextmanager
def admin_client(settings: KafkaSettings) -> Iterator[Any]:
    """A ``KafkaAdminClient``."""
    from kafka import KafkaAdminClient

    with translated(settings):
        admin = KafkaAdminClient(bootstrap_servers=servers_of(settings), bootstrap_timeout_ms=_BOOTSTRAP_MS)
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def consumer_client(settings: KafkaSettings, **options: object) -> Iterator[Any]:
    """A ``KafkaConsumer`` that commits nothing."""
    from kafka import KafkaConsumer

    with translated(settings):
        consumer = KafkaConsumer(
            bootstrap_servers=servers_of(settings),
            bootstrap_timeout_ms=_BOOTSTRAP_MS,
            enable_auto_commit=False,
            **options,
        )
        try:
            yield consumer
        finally:
            consumer.close()


@contextmanager
def translated(settings: KafkaSettings) -> Iterator[None]:
    """Run what talks to the broker.

    Raises:
        Retryable: no broker answers.
        ConvmineError: the broker refuses.
    """
    from kafka.errors import KafkaError, KafkaTimeoutError

    # What goes wrong is raised as an error of ours; the client would tell it in dozens of lines besides.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        yield
    except KafkaTimeoutError as error:
        raise Retryable(
            f"Kafka at {settings.bootstrap_servers} does not answer",
            dependency="kafka",
            hint="set KAFKA_BOOTSTRAP_SERVERS, or start one with scripts/kafka-local",
        ) from error
    except KafkaError as error:
        raise ConvmineError(f"Kafka refuses: {error}") from error
