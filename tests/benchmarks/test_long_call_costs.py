from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.line_plot import Plot, ticks
from benchmarks.long_calls import cost_of, found_twice, line_through, live_cost, plot
from pipeline.extract.llm import CHUNK_TOKENS
from workers.fake_llm.server import FakeLlm

SVG = "{http://www.w3.org/2000/svg}"


@given(st.integers(1, 10_000_000))
def test_ticks_go_from_0_to_past_the_most_in_few_equal_steps(most: int) -> None:
    marks = ticks(most)
    assert marks[0] == 0
    assert marks[-2] < most <= marks[-1]
    assert 2 <= len(marks) <= 8
    assert marks == pytest.approx([marks[1] * number for number in range(len(marks))])


def test_a_plot_is_xml_with_a_point_for_each_value() -> None:
    drawn = ET.fromstring(Plot("a < b", "x", "y", {"one": [(0, 0), (5, 10)], "two": [(5, 1)]}).svg())
    assert len(drawn.findall(f"{SVG}circle")) == 3
    first, second = drawn.findall(f"{SVG}polyline")
    assert len(first.attrib["points"].split()) == 2
    assert first.attrib["stroke"] != second.attrib["stroke"]
    assert "a < b" in [text.text for text in drawn.findall(f"{SVG}text")]


def test_a_line_is_told_from_a_curve() -> None:
    straight = line_through([(x, 100 + 7 * x) for x in range(1, 20)])
    curve = line_through([(x, x**4) for x in range(1, 20)])
    assert (straight.r_squared, straight.a_minute, straight.at_0) == pytest.approx((1, 7, 100))
    assert straight.farthest_share == pytest.approx(0)
    assert curve.r_squared < 0.9


async def test_the_costs_are_those_of_real_requests() -> None:
    server = FakeLlm()
    async with server.listening() as base_url:
        costs = [await cost_of(minutes, base_url, server) for minutes in (3, 14)]
        twice = await found_twice(14, base_url)
        live = [await live_cost(2, every_s, base_url, server) for every_s in (0, 30)]
    short, long = costs
    assert short.chunks == 1 < long.chunks < long.requests  # one more for the summary
    assert max(short.largest_prompt, long.largest_prompt) <= CHUNK_TOKENS
    assert short.tokens * 3 < long.tokens
    assert twice["found_twice"] == 0
    assert twice["the_same_as_in_one_prompt"] == "true"
    assert float(str(live[0]["tokens_while_it_goes_on"])) > 3 * float(str(live[1]["tokens_while_it_goes_on"]))
    assert plot(costs).svg().startswith("<svg")
