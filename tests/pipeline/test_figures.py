from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.figures import FIGURES, Figure, NoMeter

PAGE = Path(__file__).parent.parent.parent / "docs" / "metrics.md"


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_the_page_names_each_figure_with_its_labels(figure: Figure) -> None:
    name = figure.name if figure.bounds else f"{figure.name}_total"
    (row,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{name}`")]
    assert [label for label in figure.labels if f"`{label}`" not in row] == []
    assert ("histogram" if figure.bounds else "counter") in row


def test_no_label_is_a_call() -> None:
    labels = {label for figure in FIGURES for label in figure.labels}
    assert not [label for label in labels if "call" in label or "tenant" in label]


def test_bounds_rise() -> None:
    assert all(list(figure.bounds) == sorted(set(figure.bounds)) for figure in FIGURES)


def test_who_measures_nothing_needs_no_meter() -> None:
    NoMeter().count("anything", 2, of="it")
    NoMeter().observe("anything", 2, of="it")
