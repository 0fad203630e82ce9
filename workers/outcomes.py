"""What becomes of an event that failed: when it is tried again, and what its dead letter looks like."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.errors import ConvmineError, Retryable
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.privacy.sealing import Seal
from pipeline.stages import FAILED, Stage
from schemas.call import CallFailed
from schemas.envelope import EnvelopeError, from_headers, message
from workers.records import NewRecord, Record, write_event

_LONGEST_REASON: Final = 2_000


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds between attempts double from ``first_s`` to ``longest_s``; the jitter keeps a fleet from waking at once.

    Source: "full jitter" keeps no order between clients; half of the delay is kept fixed here so that a server's
    Retry-After is never undercut.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    attempts: int = 6
    jitter: Callable[[], float] = random.random

    def delay(self, attempt: int, error: BaseException) -> float:
        """Seconds to wait after the given attempt (from 1) failed with this error."""
        backoff = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, 32))
        backoff *= 0.5 + 0.5 * self.jitter()
        asked = error.retry_after_s if isinstance(error, Retryable) else None
        return max(asked or 0.0, backoff)


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that was given up: the record, why, after how many attempts, and since when."""

    stage: Stage
    record: Record
    error: Exception
    attempts: int
    first_failed_at: datetime

    @property
    def reason(self) -> str:
        """Why, for people."""
        if isinstance(self.error, ConvmineError):
            return self.error.message[:_LONGEST_REASON]
        return f"unexpected {type(self.error).__name__} in stage {self.stage.name}: {self.error}"[:_LONGEST_REASON]


def dead_letter(failure: Failure, seal: Seal) -> NewRecord:
    """The original record, headers untouched and the value sealed, with ``dlq.*`` headers behind them."""
    record = failure.record
    facts = {
        "dlq.original.topic": record.topic,
        "dlq.original.partition": str(record.partition),
        "dlq.original.offset": str(record.offset),
        "dlq.error.class": type(failure.error).__name__,
        "dlq.error.message": failure.reason,
        "dlq.stage": failure.stage.name,
        "dlq.lane": str(failure.stage.lane),
        "dlq.attempts": str(failure.attempts),
        "dlq.first_failed_at": failure.first_failed_at.isoformat(),
    }
    return NewRecord(
        topic=failure.stage.dead_letters(record.topic),
        key=record.key or b"",
        value=None if record.value is None else seal.seal(record.value),
        headers=record.headers + tuple((name, value.encode()) for name, value in facts.items()),
    )


def call_failed(failure: Failure, fallback_tenant: str) -> NewRecord:
    """The ``call.failed`` that a person reads; tenant and call come from the headers, else from the key."""
    record = failure.record
    tenant, call_id = _whose(record, fallback_tenant)
    payload = CallFailed(
        call_id=call_id,
        stage=failure.stage.name,
        reason=failure.reason,
        error=type(failure.error).__name__,
        retryable=isinstance(failure.error, Retryable),
        attempts=failure.attempts,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )
    return write_event(
        Outbound(
            FAILED,
            message(
                payload,
                id=stable_id("failed", failure.stage.group, record.topic, record.partition, record.offset),
                source=f"/convmine/{failure.stage.name}",
                time=failure.first_failed_at,
                subject=call_id,
                tenant_id=tenant,
            ),
        )
    )


def _whose(record: Record, fallback_tenant: str) -> tuple[str, str]:
    try:
        envelope = from_headers(record.headers)
    except EnvelopeError:
        tenant, _, call_id = (record.key or b"").decode(errors="replace").partition(":")
        known = call_id and tenant.isascii() and tenant.replace("-", "").replace("_", "").isalnum()
        return (tenant[:64], call_id[:200]) if known else (fallback_tenant, "unknown")
    return envelope.tenantid, envelope.subject
