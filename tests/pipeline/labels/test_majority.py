"""What people say of an item together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pipeline.labels.label import Label, Verdict
from pipeline.labels.majority import last_words, majority

START = datetime(2026, 3, 2, tzinfo=UTC)


def said(by: str, verdict: Verdict, minute: int = 0, name: str = "price_concern") -> Label:
    return Label(
        tenant_id="acme", call_id="c", scenario="telecom", language="en", field="intents", name=name, segment_id="s1",
        verdict=verdict, by=by, at=START + timedelta(minutes=minute),
    )  # fmt: skip


def test_a_person_counts_once_and_with_the_last_word() -> None:
    labels = [
        said("ann", Verdict.RIGHT),
        said("ann", Verdict.RIGHT, 1),
        said("ben", Verdict.WRONG, 2),
        said("ann", Verdict.WRONG, 3),
    ]
    assert list(majority(labels).values()) == [False]
    assert [(label.by, label.verdict) for label in last_words(labels)] == [("ann", "wrong"), ("ben", "wrong")]


def test_most_words_win_and_a_tie_is_none() -> None:
    labels = [said("ann", Verdict.RIGHT), said("ben", Verdict.WRONG), said("cai", Verdict.MISSING)]
    other = [said("ann", Verdict.RIGHT, name="hold"), said("ben", Verdict.WRONG, name="hold")]
    found = majority([*labels, *other])
    assert {item[2]: verdict for item, verdict in found.items()} == {"price_concern": True, "hold": None}
