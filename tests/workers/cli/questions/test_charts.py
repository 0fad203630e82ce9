from __future__ import annotations

from rich.cells import cell_len

from workers.cli.questions.charts import Chart, Point, Series, lines


def chart(*series: Series, is_time: bool = False) -> Chart:
    return Chart("title", (), "calls", series, is_time=is_time)


def series(name: str, *values: float | None) -> Series:
    return Series(name, tuple(Point(f"p{number}", value, f"{value}") for number, value in enumerate(values)))


def test_bars_are_as_long_as_their_values_and_end_in_the_figure() -> None:
    first, half, none = lines(chart(series("calls", 8, 4, 0)), 40)
    assert (first.count("█"), half.count("█"), none.count("█")) == (33, 16, 0)
    assert [line.split()[-1] for line in (first, half, none)] == ["8", "4", "0"]


def test_something_small_is_never_shown_as_nothing() -> None:
    _, small = lines(chart(series("calls", 100_000, 1)), 60)
    assert "▏" in small


def test_figures_stand_below_each_other_whatever_the_names_are_written_in() -> None:
    points = tuple(Point(name, 3, "said") for name in ("price", "价格太贵", "\x1b[31mred", "x" * 90))
    shown = list(lines(chart(Series("", points)), 90))
    assert len({cell_len(line) for line in shown}) == 1
    assert "\x1b" not in "".join(shown)
    assert "…" in shown[-1]


def test_values_below_zero_go_to_the_left() -> None:
    below, above = lines(chart(series("points", -2, 1)), 60)
    assert below.index("█") < below.index("│") < above.index("█")


def test_each_series_over_time_has_a_row_to_its_own_scale() -> None:
    rows = list(lines(chart(series("a", 0, 4, 8), series("价格", 1, None, 2), is_time=True), 80))
    assert rows == ["a     ▁▅█  0 to 8", "价格  ▅·█  1 to 2", "      p0 to p2"]


def test_of_more_periods_than_columns_the_last_are_shown_and_it_is_said() -> None:
    row, *_, below = lines(chart(series("a", *range(200)), series("b", *range(200)), is_time=True), 60)
    assert cell_len(row) <= 60
    assert below.endswith("p153 to p199, the last 47 of 200")
