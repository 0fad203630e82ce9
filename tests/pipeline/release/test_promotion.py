"""What speaks against a promotion, by the back-tests that there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.backtest.result import Backtest, FieldScore, VersionResult
from pipeline.release.promotion import why_not
from pipeline.release.standing import Version

OLD, NEW = Version("extract", 1, "old text"), Version("extract", 2, "new text")
AT = datetime(2026, 1, 1, tzinfo=UTC)
SCORES = st.dictionaries(st.sampled_from(["intents", "topics", "outcome"]), st.none() | st.floats(0, 1))


def result(of: Version, calls: int = 100, failed: int = 0, /, **f1: float | None) -> VersionResult:
    fields = tuple(FieldScore(field=name, precision=one, recall=one, f1=one) for name, one in f1.items())
    return VersionResult(label=of.label, digest=of.digest, model="m", fields=fields, calls=calls, failed=failed)


def backtest(a: VersionResult, b: VersionResult, *, days: int = 0) -> Backtest:
    return Backtest(
        backtest_id=f"b{days}",
        scenario="telecom",
        language="en",
        prompt="extract",
        on="stored",
        material="0" * 64,
        finished_at=AT + timedelta(days=days),
        a=a,
        b=b,
    )


def test_a_version_without_a_back_test_is_not_to_run() -> None:
    assert why_not(NEW, OLD, (), 0.02) == "extract.v2 has not been back-tested against extract.v1"


def test_a_back_test_of_other_content_is_none() -> None:
    before = Version("extract", 2, "as it was before")
    said = why_not(NEW, OLD, [backtest(result(OLD, intents=0.5), result(before, intents=0.9))], 0.02)
    assert said == "extract.v2 or extract.v1 was changed since they were back-tested"


@pytest.mark.parametrize("turned", [False, True], ids=["candidate is B", "candidate is A"])
def test_what_is_worse_by_more_than_the_margin_is_named_worst_first(*, turned: bool) -> None:
    old, new = result(OLD, intents=0.8, topics=0.5, outcome=0.9), result(NEW, intents=0.75, topics=0.49, outcome=0.6)
    tested = backtest(new, old) if turned else backtest(old, new)
    said = why_not(NEW, OLD, [tested], 0.02)
    assert said == (
        "extract.v2 back-tested worse than extract.v1: F1 of outcome 0.600 instead of 0.900 (0.300 less); "
        "F1 of intents 0.750 instead of 0.800 (0.050 less); 0.02 is allowed"
    )
    assert why_not(OLD, NEW, [tested], 0.02) is None
    assert why_not(NEW, OLD, [tested], 0.3) is None


def test_what_is_worse_by_the_margin_itself_may_run() -> None:
    assert why_not(NEW, OLD, [backtest(result(OLD, intents=0.8), result(NEW, intents=0.78))], 0.02) is None


def test_fewer_valid_answers_speak_against_it() -> None:
    said = why_not(NEW, OLD, [backtest(result(OLD, intents=0.8), result(NEW, 100, 5, intents=0.9))], 0.02)
    assert said is not None
    assert "valid answers 0.950 instead of 1.000 (0.050 less)" in said


def test_the_newest_back_test_of_the_two_counts() -> None:
    good = backtest(result(OLD, intents=0.5), result(NEW, intents=0.9), days=0)
    bad = backtest(result(OLD, intents=0.9), result(NEW, intents=0.5), days=1)
    assert why_not(NEW, OLD, [good, bad], 0.02) is not None
    assert why_not(NEW, OLD, [bad.model_copy(update={"finished_at": AT - timedelta(days=1)}), good], 0.02) is None


def test_a_back_test_that_measured_nothing_allows_nothing() -> None:
    said = why_not(NEW, OLD, [backtest(result(OLD, intents=None), result(NEW, intents=None))], 0.02)
    assert said is not None
    assert "no labels" in said
    assert why_not(NEW, OLD, [backtest(result(OLD, 0), result(NEW, 0))], 0.02) is not None


@given(SCORES, SCORES, st.floats(0, 1))
def test_it_may_run_just_when_no_known_field_is_worse_by_more_than_the_margin(
    old: dict[str, float | None], new: dict[str, float | None], margin: float
) -> None:
    said = why_not(NEW, OLD, [backtest(result(OLD, **old), result(NEW, **new))], margin)
    known = {name: f1 for name, f1 in old.items() if f1 is not None}
    losses = {name: f1 - (new.get(name) or 0.0) for name, f1 in known.items()}
    worse = {name for name, loss in losses.items() if loss > margin + 1e-9}
    assert (said is None) == (bool(known) and not worse)
    assert all(f"F1 of {name} " in (said or "") for name in worse)


@given(SCORES.filter(lambda scores: any(one is not None for one in scores.values())), st.floats(0, 1))
def test_a_version_as_good_as_the_other_may_always_run(scores: dict[str, float | None], margin: float) -> None:
    assert why_not(NEW, OLD, [backtest(result(OLD, **scores), result(NEW, **scores))], margin) is None
