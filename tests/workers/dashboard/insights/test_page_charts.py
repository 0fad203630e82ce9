"""Charts in a browser, told apart without colour and read by keyboard and as tables; and the tabs of the insights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browsers import browser_page, picture
from dashboard_site import dashboard_site
from heard_calls import heard_store, rooms_of
from made_flows import put_paths, simple_paths

_MODULE = "const at = (name) => document.querySelector('script[type=module]').src.replace('shell.js', name);"
_TICKS = """async () => { %s
  const { ticks, some } = await import(at("chart_scale.js"));
  const found = [];
  for (const most of [0, 0.004, 0.3, 1, 7, 12, 99, 1000, 123456]) found.push([most, ticks(0, most)]);
  found.push([-5, ticks(-5, 5)]);
  return { found, some: some(Array.from({ length: 100 }, (_, one) => one), 6) };
}""".replace("%s", _MODULE)
_DRAW = """async () => { %s
  const { lines, bars, spark } = await import(at("chart.js"));
  const day = 86400000, begin = Date.UTC(2026, 2, 2);
  const value = (n, i) => n === 1 && i === 2 ? null : n + i;
  const series = ["<b>one</b>", "two", "three"].map((name, n) =>
    ({ name, points: [0, 1, 2, 3].map((i) => [begin + i * day, value(n, i)]) }));
  const rows = [{ name: "price", value: 0.5, low: 0.4, high: 0.6, note: "of 10" }, { name: "<i>x</i>", value: null }];
  const format = (one) => `${Math.round(one * 100)}%`;
  Object.assign(window, { picked: null, series, chart: lines({ label: "Calls", series }) });
  const onpick = (row) => { window.picked = row.name; };
  document.getElementById("main").replaceChildren(
    window.chart, bars({ label: "Rates", rows, format, most: 1, onpick }), spark([1, 2, null, 3], "small"));
}""".replace("%s", _MODULE)


async def test_ticks_are_round_rising_and_reach_beyond_the_largest_value(tmp_path: Path) -> None:
    async with dashboard_site(rooms=rooms_of(tmp_path)) as site, browser_page() as page:
        await page.goto(f"{site.url}/sign-in")
        told = await page.evaluate(_TICKS)
        for most, ticks in told["found"]:
            assert ticks == sorted(set(ticks))
            assert 2 <= len(ticks) <= 9
            assert ticks[-1] >= abs(most)
            assert ticks[0] <= min(0, most)
        assert dict(map(tuple_of, told["found"]))[12] == [0, 5, 10, 15]
        assert len(told["some"]) <= 6
        assert told["some"][0] == 0


def tuple_of(pair: list[Any]) -> tuple[float, list[float]]:
    """A pair of JSON."""
    return pair[0], pair[1]


async def test_charts_are_read_by_keyboard_and_as_tables_and_names_are_text(tmp_path: Path) -> None:
    async with dashboard_site(rooms=rooms_of(tmp_path)) as site, browser_page() as page:
        await site.sign_in(page, "analyst", "/insights")
        await page.wait_for_selector("#panel[aria-busy='false']")
        await page.evaluate(_DRAW)
        chart = page.locator(".chart-lines")
        await chart.focus()
        await page.keyboard.press("Home")
        assert "<b>one</b> 0" in await chart.get_attribute("aria-valuetext")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowRight")
        assert "two \u2013" in await chart.get_attribute("aria-valuetext")
        assert "4 Mar" in await page.inner_text(".chart-tip")
        assert await page.locator("main b, main i").count() == 0
        dashes = await page.evaluate(
            "() => [...document.querySelectorAll('.chart-series .chart-line')]"
            ".map((one) => getComputedStyle(one).strokeDasharray)"
        )
        assert len(set(dashes)) == 3
        gap = await page.evaluate(
            "() => document.querySelectorAll('.chart-series .chart-line')[1].getAttribute('d').match(/M/g).length"
        )
        assert gap == 2
        await page.click("summary:has-text('As a table')")
        assert await page.locator("figure tbody tr").count() == 4
        await page.evaluate("() => { chart.show(series.slice(0, 1)); }")
        assert await chart.evaluate("(one) => document.activeElement === one || one.isConnected")
        assert await page.locator(".chart-series").count() == 1

        await page.click(".chart-bars button")
        assert await page.evaluate("() => window.picked") == "price"
        assert "40% to 60%" in await page.inner_text(".chart-bars")
        assert await page.locator(".chart-whisker").count() == 3
        assert await page.get_attribute(".chart-spark", "aria-label") == "small"


async def test_filters_stand_in_the_address_and_what_is_wrong_is_said_in_the_servers_words(tmp_path: Path) -> None:
    store = await heard_store()
    await put_paths(store, simple_paths() * 2)
    async with dashboard_site(rooms=rooms_of(tmp_path), store=store) as site, browser_page() as page:
        await site.sign_in(page, "analyst", "/insights?tab=calls")
        await page.wait_for_selector("table.calls tbody tr")
        await page.get_by_role("combobox", name="Outcome", exact=True).select_option("won")
        await page.wait_for_url("**outcome=won**")
        await page.wait_for_selector("#panel[aria-busy='false']")
        assert await page.locator("table.calls tbody tr .badge.good").count() == 50
        await page.click("text=Next →")
        await page.wait_for_selector("text=Page 2")
        assert await page.locator("table.calls tbody tr").count() <= 50

        await page.get_by_label("Further condition").fill("rolle=customer")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".wrong")
        assert "there is no field 'rolle'" in await page.inner_text(".wrong")
        assert "nearest: role" in await page.inner_text(".wrong")
        await page.click(".chips button")
        await page.wait_for_selector("table.calls tbody tr")

        await page.get_by_label("Further condition").fill("duration>=3000")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#panel .empty")
        assert "duration>=3000" in await page.inner_text("#panel")
        await page.click("#panel .empty button")
        await page.wait_for_selector("table.calls tbody tr")
        assert "duration" not in page.url

        await page.keyboard.press("Escape")
        await page.locator("#tab-calls").focus()
        await page.keyboard.press("Home")
        await page.wait_for_selector(".chart-series", state="attached")
        await picture(page, "insights-intents", tmp_path)
        await page.keyboard.press("ArrowRight")
        await page.wait_for_selector(".source-told")
        assert "inferred" in await page.inner_text(".source-told")
        await page.get_by_label("observed").check()
        await page.wait_for_selector(".source-told.observed")
        assert "outcomes=observed" in page.url
