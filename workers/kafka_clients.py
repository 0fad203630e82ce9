"""Clients of kafka-python, opened and closed, with what they raise as errors of ours."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pipeline.errors import ConvmineError
from pipeline.settings import KafkaSettings
from workers.kafka_asking import asked
from workers.kafka_refusals import away, refusal_in
from workers.kafka_security import kafka_python_options

BOOTSTRAP_MS: Final = 5_000
"""Milliseconds in which a broker must answer at all."""


@contextmanager
def admin_client(settings: KafkaSettings) -> Iterator[Any]:
    """A ``KafkaAdminClient``."""
    from kafka import KafkaAdminClient

    with translated(settings):
        admin = KafkaAdminClient(**kafka_python_options(settings), bootstrap_timeout_ms=BOOTSTRAP_MS)
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
            **kafka_python_options(settings),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
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
        Config: a broker does not let us in, or not do this.
        ConvmineError: the broker refuses.
    """
    from kafka.errors import KafkaError, KafkaTimeoutError

    # What goes wrong is raised as an error of ours; the client would tell it in dozens of lines besides.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    try:
        yield
    except KafkaTimeoutError as error:
        # The client tries again and again, and never says why.
        raise refusal_in(settings, error) or asked(settings) or away(settings, error) from error
    except KafkaError as error:
        if refused := refusal_in(settings, error):
            raise refused from error
        raise ConvmineError(f"Kafka refuses: {error}") from error
