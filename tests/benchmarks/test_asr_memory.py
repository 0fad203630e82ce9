"""What is said of a process's memory after many recordings."""

from __future__ import annotations

import pytest

from benchmarks.asr_memory import told


def test_the_end_is_held_against_a_fifth_of_the_spans() -> None:
    seen = [(heard, 50.0 + 50.0 * (heard > 1_000) + 5.0 * (heard > 2_000)) for heard in range(100, 10_001, 100)]
    found = told(seen)
    assert (found.spans, found.first_mb, found.last_mb) == (10_000, 100.0, 105.0)
    assert found.growth == pytest.approx(0.05)


def test_too_few_recordings_tell_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        told([(5_000, 90.0), (10_000, 90.0)])
