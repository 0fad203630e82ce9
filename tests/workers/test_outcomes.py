from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Poison, Retryable
from pipeline.privacy.sealing import Seal, new_key
from pipeline.stages import RECORDINGS, STAGES
from workers.outcomes import Failure, RetryPolicy, call_failed, dead_letter
from workers.records import Record

AT = datetime(2026, 1, 1, tzinfo=UTC)


def failure(key: bytes | None, *, error: Exception | None = None) -> Failure:
    record = Record(RECORDINGS, 1, 7, key, b"\xff\x00 not json", (("ce_id", b"\xff"), ("other", b"kept")))
    return Failure(STAGES[0], record, error or Poison("refused"), 2, AT)


@given(st.integers(min_value=1, max_value=10_000), st.floats(min_value=0, max_value=1))
def test_the_delay_grows_to_its_limit_and_never_beyond(attempt: int, jitter: float) -> None:
    policy = RetryPolicy(first_s=0.5, longest_s=30, jitter=lambda: jitter)
    delay = policy.delay(attempt, Retryable("away", dependency="x"))
    assert 0.25 <= delay <= 30


def test_a_server_that_names_a_time_is_not_asked_before_it() -> None:
    policy = RetryPolicy(first_s=0.5, longest_s=30, jitter=lambda: 0)
    assert policy.delay(1, Retryable("busy", dependency="x", retry_after_s=120)) == 120


def test_a_dead_letter_keeps_bytes_and_headers_that_nobody_can_read() -> None:
    letter = dead_letter(failure(b"t:a"), Seal(()))
    assert letter.value == b"\xff\x00 not json"
    assert letter.headers[:2] == (("ce_id", b"\xff"), ("other", b"kept"))
    assert letter.topic == "calls.recordings.asr.dlq"


@pytest.mark.parametrize(
    ("key", "tenant", "call"),
    [
        (b"acme:call-1", "acme", "call-1"),
        (None, "mine", "unknown"),
        (b"\xff\xfe", "mine", "unknown"),
        (b"a b:c", "mine", "unknown"),
    ],
)
def test_a_failure_without_readable_headers_takes_tenant_and_call_from_the_key(
    key: bytes | None, tenant: str, call: str
) -> None:
    record = call_failed(failure(key), "mine")
    assert json.loads(record.value or b"")["call_id"] == call
    assert dict(record.headers)["ce_tenantid"] == tenant.encode()


def test_a_failure_is_the_same_event_when_it_is_written_again() -> None:
    assert call_failed(failure(b"t:a"), "t") == call_failed(failure(b"t:a"), "t")


def test_a_fault_of_ours_is_told_from_a_refusal() -> None:
    said = json.loads(call_failed(failure(b"t:a", error=KeyError("x")), "t").value or b"")
    assert said["error"] == "KeyError"
    assert "unexpected KeyError in stage asr" in said["reason"]


def test_a_dead_letter_is_sealed_where_there_is_a_key() -> None:
    seal = Seal([new_key()])
    letter = dead_letter(failure(b"t:a"), seal)
    assert letter.value is not None
    assert b"not json" not in letter.value
    assert seal.open(letter.value) == b"\xff\x00 not json"
    assert letter.headers[:2] == (("ce_id", b"\xff"), ("other", b"kept"))
