"""A trace out of a file: which one, in which order, as a table and as a picture."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConvmineError
from workers.cli import cli
from workers.tracing.hops import pseudonym
from workers.tracing.picture import svg
from workers.tracing.span_file import WrittenSpan
from workers.tracing.time_axis import time_axis
from workers.tracing.waterfall import Waterfall, chosen, told, waterfall

MS = 1_000_000


def span(  # noqa: PLR0913 - a span has as many parts
    span_id: str, parent_id: str, from_ms: int, to_ms: int, *, name: str = "", trace_id: str = "t1", **attributes: str
) -> WrittenSpan:
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    events = [{"name": "retry", "at_ns": 0, "attributes": {}}] if "retried" in named else []
    return WrittenSpan(
        name or span_id, "consumer", trace_id, span_id, parent_id, from_ms * MS, to_ms * MS, "s", "failed" in named,
        named, events, (),
    )  # fmt: skip


SPANS = [
    span("c", "b", 20, 30, convmine_stage="flow"),
    span("a", "", 0, 10, name="POST <page>"),
    span("b", "a", 10, 50, convmine_stage="extract", convmine_call=pseudonym("default", "c-1"), retried="", failed=""),
    span("b2", "b", 12, 18, name="chat m1"),
    span("z", "gone", 5, 6, trace_id="t2"),
]


def test_rows_stand_below_what_led_to_them_in_the_order_in_which_they_began() -> None:
    found = waterfall("t1", SPANS[:4])
    assert [(row.name, row.depth, row.stage) for row in found.rows] == [
        ("POST <page>", 0, "s"),
        ("b", 1, "extract"),
        ("chat m1", 2, "extract"),
        ("c", 2, "flow"),
    ]
    assert (found.ms, found.rows[1].at_ms, found.rows[1].ms, found.rows[1].retries) == (50, 10, 40, 1)


def test_a_trace_is_chosen_by_id_by_call_or_as_the_largest() -> None:
    assert chosen(SPANS).trace_id == "t1"
    assert chosen(SPANS, trace="t2").rows[0].depth == 0, "its parent is not there"
    assert chosen(SPANS, call=pseudonym("default", "c-1")).trace_id == "t1"
    with pytest.raises(ConvmineError, match="2 traces begin with t"):
        chosen(SPANS, trace="t")
    for wrong in ({"trace": "u"}, {"call": "x"}):
        with pytest.raises(ConvmineError, match="no such trace"):
            chosen(SPANS, **wrong)
    with pytest.raises(ConvmineError, match="there is no trace"):
        chosen([])


def test_the_command_shows_a_table_json_and_a_picture(tmp_path: Path) -> None:
    file = tmp_path / "spans.jsonl"
    file.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in SPANS))
    run = CliRunner().invoke
    table = run(cli, ["trace", "show", str(file), "--call", "c-1"]).output.splitlines()
    assert table[0] == "trace t1: 4 spans in 50 ms, s, extract, flow"
    assert table[2].split() == ["10", "ms", "40", "ms", "extract", "b", "failed", "1", "retries"]
    told_json = json.loads(run(cli, ["trace", "show", str(file), "--json"]).output)
    assert [row["name"] for row in told_json["spans"]] == ["POST <page>", "b", "chat m1", "c"]
    picture = tmp_path / "t.svg"
    assert run(cli, ["trace", "show", str(file), "--out", str(picture)]).output == f"wrote {picture}\n"
    texts = {one.text for one in ET.fromstring(picture.read_text()).iter("{http://www.w3.org/2000/svg}text")}
    assert {"POST <page>", "40 ms, 2 attempts", "extract", "Trace t1"} <= texts
    nowhere = run(cli, ["trace", "show", str(file), "--out", str(tmp_path / "none" / "t.svg")])
    assert isinstance(nowhere.exception, ConvmineError)
    assert "cannot be written: No such file or directory" in nowhere.exception.message


names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)


@given(
    st.lists(
        st.tuples(names, st.integers(-1, 20), st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=20
    )
)
def test_whatever_spans_are_called_and_however_they_lie_the_picture_is_valid_and_within_its_sheet(
    drawn: list[tuple[str, int, int, int]],
) -> None:
    spans = [
        span(str(at), str(above) if above < at else "", start, start + took, name=name)
        for at, (name, above, start, took) in enumerate(drawn)
    ]
    found = waterfall("t1", spans)
    assert len(found.rows) == len(spans), "each span has its row"
    sheet = ET.fromstring(svg(found, "<title> & more"))
    width = float(sheet.attrib["width"])
    for bar in sheet.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(bar.attrib.get("x", 0)) <= float(bar.attrib.get("x", 0)) + float(bar.attrib["width"]) <= width


@pytest.mark.parametrize(("ms", "text"), [(0.04, "0.0 ms"), (3.24, "3.2 ms"), (480.4, "480 ms"), (12_340, "12.3 s")])
def test_times_are_told_for_people(ms: float, text: str) -> None:
    assert told(ms) == text


def test_a_trace_without_any_length_is_drawn() -> None:
    assert "<svg" in svg(Waterfall("t1", waterfall("t1", [span("a", "", 5, 5)]).rows, 0), "x")


@given(st.lists(st.floats(0, 1e7), min_size=1, max_size=30))
def test_time_never_goes_back_on_the_axis_and_no_idle_stretch_takes_it_over(times: list[float]) -> None:
    axis = time_axis(times)
    places = [axis.place(at) for at in sorted(times)]
    assert places == sorted(places)
    assert all(0 <= place <= 1 for place in places)
    assert len(axis.ticks()) <= 2 * len(axis.pieces) + 12
    if any(piece.is_cut for piece in axis.pieces):
        assert max(piece.end - piece.start for piece in axis.pieces) < 0.2


def test_half_a_minute_of_one_stage_leaves_room_for_the_second_of_the_others() -> None:
    steps = [30_000 + 50.0 * number for number in range(21)]
    axis = time_axis([0, *steps])
    assert axis.place(30_000) < 0.1
    assert [piece.is_cut for piece in axis.pieces] == [True, *[False] * 20]
    assert {tick for tick in axis.ticks() if tick < 30_000} == set()
