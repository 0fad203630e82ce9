"""Rows as CSV and JSON Lines: what was written is what is read, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.export.columns import Cell, Row, column
from pipeline.export.text_forms import as_csv, as_exact_csv, as_jsonl, csv_header

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(st.tuples(TEXTS, TEXTS, st.lists(TEXTS)), max_size=5)
STRANGE = st.text(st.one_of(st.characters(), st.sampled_from("\ud800\udc00=+-@\"'\r\n,;\x00")))


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@given(ROWS)
def test_csv_that_is_exact_reads_back_as_it_was(rows: list[tuple[str, str, list[str]]]) -> None:
    lines = read(csv_header(("a", "b", "c")) + as_exact_csv(("a", "b", "c"), rows))
    assert lines == [["a", "b", "c"], *([a, b, json.dumps(c, ensure_ascii=False)] for a, b, c in rows)]


@given(ROWS)
def test_no_cell_of_csv_begins_as_a_formula_and_nothing_else_changes(rows: list[tuple[str, str, list[str]]]) -> None:
    cells = [cell for line in read(as_csv(("a", "b", "c"), rows)) for cell in line]
    before = [cell for line in read(as_exact_csv(("a", "b", "c"), rows)) for cell in line]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)
    assert [cell.removeprefix("'") for cell in cells] == [cell.removeprefix("'") for cell in before]


@given(st.lists(st.tuples(TEXTS, st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none())))
def test_json_lines_read_back_as_they_were_a_line_a_row(rows: list[Row]) -> None:
    lines = as_jsonl(("text", "number"), rows).split("\n")
    assert lines.pop() == ""
    assert [tuple(json.loads(line).values()) for line in lines] == rows


@given(STRANGE)
def test_any_text_of_the_store_can_be_written_as_utf_8(text: str) -> None:
    (told,) = column("text", "text", "words").read([{"text": text}])
    assert isinstance(told, str)
    assert as_jsonl(("text",), [(told,)]).encode()
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert told == text


@pytest.mark.parametrize(("cell", "shown"), [(-5, "-5"), (-0.5, "-0.5"), (True, "true"), (None, ""), ("-5", "'-5")])
def test_numbers_stay_numbers_in_csv(cell: Cell, shown: str) -> None:
    assert read(as_csv(("a", "b"), [(cell, "x")])) == [[shown, "x"]]


def test_an_instant_is_told_in_utc_whatever_zone_it_came_in() -> None:
    told = column("at", "time", "when").read([{"at": "2026-03-31T23:30:00.5-02:00"}, {}])
    assert told == ["2026-04-01T01:30:00.500000Z", None]
