"""The benchmark of the dashboard: its figures are of pages that were really shown, and one that grows is found out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchmarks.desk import PARTS, Sizes, in_memory, main, sent_bytes
from benchmarks.desk_browser import chromium, first_paints, growth, signed_in


def test_a_page_that_grows_is_told_from_one_that_is_done_with_its_first_calls() -> None:
    assert growth([1, 5, 9, 10, 10, 10, 10, 10, 10]) == 0
    assert growth([10, 10, 10, 10, 11, 12, 13, 14, 15]) == pytest.approx(14 / 11 - 1)


def test_the_bytes_are_those_of_all_modules_and_sheets() -> None:
    found = sent_bytes()
    assert 0 < float(str(found["css_mb"])) < float(str(found["js_mb"])) < float(str(found["js_and_css_mb"])) < 1.5


@pytest.mark.timeout(300)
async def test_a_graph_and_a_floor_are_opened_and_have_what_was_asked_for() -> None:
    async with chromium() as browser:
        found = await in_memory(browser, ["graph", "floor"], Sizes(steps=60, calls=40, times=2))
    assert found["graph"]["steps"] >= 50
    assert 0 < found["graph"]["drawn_ms"] <= found["graph"]["whole_ms"]
    assert found["floor"]["median_ms"] > 0


@pytest.mark.timeout(300)
async def test_a_first_paint_is_that_of_the_page_each_time_anew() -> None:
    from dashboard_site import dashboard_site

    async with dashboard_site() as site, chromium() as browser:
        kept = await signed_in(browser, site.url, "ann")
        found = await first_paints(browser, kept, f"{site.url}/desk", 2)
    assert len(found) == 2
    assert all(ms > 0 for ms in found)


def test_what_was_not_asked_for_is_told_as_not_run() -> None:
    done = CliRunner().invoke(main, ["--json", "--part", "bytes"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["ratio"] == "not run"
    assert [name for name in PARTS if report["figures"][name] != "not run"] == ["bytes"]
