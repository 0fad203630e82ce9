from __future__ import annotations

from pipeline.discovery.trends import trends_of

WEEKS = [f"2026-W{number:02}" for number in range(1, 9)]


def calls(*numbers: int) -> dict[str, set[str]]:
    return {week: {f"{week}-{n}" for n in range(number)} for week, number in zip(WEEKS, numbers, strict=False)}


def test_a_growing_share_is_rising_a_shrinking_one_falling_and_a_level_one_steady() -> None:
    everything = calls(*[100] * 8)
    rising, falling, steady, rare = trends_of(
        [calls(10, 14, 17, 22, 26, 31, 34, 38), calls(38, 34, 31, 26, 22, 17, 14, 10), calls(*[10] * 8), calls(1, 1)],
        everything,
        running="2026-W09",
    )
    assert rising is not None
    assert falling is not None
    assert steady is not None
    assert (rising.direction, falling.direction, steady.direction) == ("rising", "falling", "steady")
    assert rising.calls == (10, 14, 17, 22, 26, 31, 34, 38)
    assert rare is None


def test_the_week_that_still_runs_is_left_out() -> None:
    (trend,) = trends_of([calls(5, 6, 7, 8, 90)], calls(50, 50, 50, 50, 90), running="2026-W05")
    assert trend is not None
    assert trend.weeks == tuple(WEEKS[:4])
    assert trend.of == (50, 50, 50, 50)


def test_of_no_whole_week_there_is_no_trend() -> None:
    assert trends_of([calls(20)], calls(40), running="2026-W01") == [None]
