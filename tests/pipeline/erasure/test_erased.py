"""Which calls are erased: by their ids, and by the customer that an event's own facts name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pipeline.erasure.erased import Erased, customer_digest
from schemas.wire import CallFacts

AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
BEFORE, AFTER = AT - timedelta(hours=1), AT + timedelta(hours=1)


def test_a_call_stays_erased_since_it_was_first_asked_for_and_is_told_once() -> None:
    told: list[tuple[str, str]] = []
    erased = Erased(lambda tenant, call: told.append((tenant, call)))
    assert erased.add("acme", "a", AT)
    assert not erased.add("acme", "a", AFTER)
    assert erased.since("acme", "a") == AT
    assert not erased.holds("other", "a")
    assert told == [("acme", "a")]


@pytest.mark.parametrize(
    ("facts", "at", "expected"),
    [
        (CallFacts(customer_id="c-1", started_at=BEFORE), AFTER, True),
        (CallFacts(customer_id="c-1", started_at=AFTER), BEFORE, False),
        (CallFacts(customer_id="c-1"), BEFORE, True),
        (CallFacts(customer_id="c-2", started_at=BEFORE), BEFORE, False),
        (CallFacts(started_at=BEFORE), BEFORE, False),
    ],
)
def test_a_customers_calls_are_erased_that_began_before_it_was_asked_for(
    facts: CallFacts, at: datetime, *, expected: bool
) -> None:
    erased = Erased()
    erased.add_customer(customer_digest("acme", "c-1"), AT)
    assert erased.covers("acme", "a", facts, at) is expected
    assert erased.holds("acme", "a") is expected, "its events without facts are known, too"
    assert not erased.covers("other", "a", facts, at), "another tenant's customer of this id is somebody else"
