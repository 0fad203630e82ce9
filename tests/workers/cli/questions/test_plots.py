from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.errors import ConvmineError
from workers.cli.questions.charts import Chart, Point, Series
from workers.cli.questions.plots import write_plot

HOSTILE = "</svg><script>a(1)</script>--> $x$"


def series(name: str, *values: float | None) -> Series:
    return Series(name, tuple(Point(f"W{number}", value, "said", value, value) for number, value in enumerate(values)))


BARS = Chart(HOSTILE, ("n = 3",), "calls", (Series("", (Point(HOSTILE, 3, "3"), Point("价格", 2, "2"))),))
CURVES = Chart("t", (), "share", (series("a", 0.5, None, 0.2), series(HOSTILE, 0, 1, 0)), is_time=True, is_share=True)
GRID = Chart("t", ("n",), "calls", tuple(series(f"row {number}", 1, 2, None) for number in range(9)), is_time=True)


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        assert not [value for name, value in attrs if name in {"src", "href"} and not (value or "").startswith("#")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("chart", [BARS, CURVES, GRID])
def test_a_picture_is_a_png(chart: Chart, tmp_path: Path) -> None:
    write_plot(chart, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n")


@pytest.mark.parametrize("chart", [BARS, CURVES])
def test_names_in_a_page_are_text_whatever_they_hold(chart: Chart, tmp_path: Path) -> None:
    write_plot(chart, tmp_path / "a.html")
    page = Page((tmp_path / "a.html").read_text(encoding="utf-8"))
    assert "script" not in page.elements
    assert page.elements.count("svg") == 1
    assert HOSTILE in page.text


def test_a_page_stands_alone_and_keeps_chinese_as_text(tmp_path: Path) -> None:
    write_plot(BARS, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "价格" in Page(text).text
    assert "n = 3" in Page(text).text
    assert "url(http" not in text


def test_every_colour_of_a_page_is_one_of_its_own_for_light_and_dark(tmp_path: Path) -> None:
    write_plot(CURVES, tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    svg = text[text.index("<svg") :]
    assert "var(--curve-1)" in svg
    assert re.findall(r"#[0-9a-f]{6}\b", re.sub(r'(id|href)="[^"]*"|url\([^)]*\)', "", svg)) == []
    assert "prefers-color-scheme: dark" in text


def test_without_matplotlib_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConvmineError) as caught:
        write_plot(BARS, tmp_path / "a.png")
    assert "convmine[analytics]" in (caught.value.hint or "")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConvmineError, match=r"nowhere/a\.html cannot be written"):
        write_plot(BARS, tmp_path / "nowhere" / "a.html")
