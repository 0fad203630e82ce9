"""Nothing on any page that axe-core finds serious: for who does not see well, or has no mouse.

Each page, in each of its tabs and with data on it, is looked at in both colours and in both languages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from browsers import browser_page
from dashboard_calls import Tongue, live_call, play
from dashboard_site import Site
from playwright.async_api import TimeoutError as NotThere
from pressing import WAIT_MS
from whole_dashboard import SAMPLE, busy_floor, call_now, speak_on, whole_dashboard

pytestmark = pytest.mark.timeout(900)
GRAVE = ("moderate", "serious", "critical")
"""What may not be found; ``minor`` things are no faults."""
LIGHT_EN = {"locale": "en-GB", "color_scheme": "light"}
DARK_ZH = {"locale": "zh-CN", "color_scheme": "dark"}
HALF_MADE = ("undefined", "NaN", "[object", "null", "Invalid Date")
"""What no page says."""
Sees = tuple[str, str, str]
"""A page, as who, and what is there when it has its data."""
SEEN: tuple[Sees, ...] = (
    ("/desk", "ann", ".suggestion .title:not(:empty)"),
    ("/desk", "supervisor", ".live-calls li"),
    ("/desk?call=call-8108", "supervisor", ".turn p"),
    ("/floor", "supervisor", ".floor-row.alarming"),
    ("/insights?tab=intents", "supervisor", "table tbody tr"),
    ("/insights?tab=outcomes", "supervisor", "#panel svg, #panel table"),
    ("/insights?tab=flow&x.pick=price_objection", "supervisor", ".flow-about dl"),
    ("/insights?tab=search", "supervisor", "#panel input"),
    ("/insights?tab=calls", "supervisor", "table.calls tbody tr"),
    (f"/calls/{SAMPLE}", "supervisor", "audio"),
    ("/workbench?tab=cards", "supervisor", ".bench .item"),
    ("/workbench?tab=words", "supervisor", ".rule"),
    ("/workbench?tab=prompts", "supervisor", ".bench .item"),
    ("/workbench?tab=history", "supervisor", "#workbench-tab"),
    ("/operations?tab=stages", "admin", "tbody tr:nth-child(14)"),
    ("/operations?tab=letters", "admin", "tbody tr[data-name]"),
    ("/operations?tab=cost", "admin", "tbody tr"),
    ("/operations?tab=advice", "admin", ".operations section"),
    ("/operations?tab=knowledge", "admin", ".operations section"),
)


@pytest.mark.parametrize("how", [LIGHT_EN, DARK_ZH], ids=["light-en", "dark-zh"])
async def test_no_page_has_a_fault_for_people_who_do_not_see_well(how: dict[str, str], tmp_path: Path) -> None:
    async with whole_dashboard(tmp_path) as site, browser_page(viewport={"width": 1280, "height": 800}, **how) as page:
        page.set_default_timeout(WAIT_MS)
        await _goes_on(site, how)
        found = await _faults(page, f"{site.url}/sign-in", "#key")
        who = ""
        for path, asked, there in SEEN:
            if asked != who:
                await page.context.clear_cookies()
                await site.sign_in(page, asked)
                who = asked
            found += await _faults(page, site.url + path, there)
        found += await _opened(page, "?", "dialog[open]")
    assert not found, "\n".join(found)


async def _goes_on(site: Site, how: dict[str, str]) -> None:
    """What live pages show."""
    tongue: Tongue = "zh" if how["locale"] == "zh-CN" else "en"
    await speak_on(site, await busy_floor(site, tongue))
    await play(site, live_call(call_now(tongue=tongue)))


async def _faults(page: Any, address: str, there: str) -> list[str]:
    """What is wrong on a page once it has its data, a line an element."""
    name = address.rpartition("/")[2]
    await page.goto(address)
    try:
        await page.locator(there).locator("visible=true").first.wait_for()
    except NotThere:
        return [f"{name}: shows no {there}"]
    await page.wait_for_timeout(500)
    return await _looked_at(page, name)


async def _opened(page: Any, key: str, what: str) -> list[str]:
    """What is wrong with what a key opens."""
    await page.keyboard.press(key)
    await page.wait_for_selector(what)
    return await _looked_at(page, what)


async def _looked_at(page: Any, name: str) -> list[str]:
    found = await Axe().run(page)
    said = await page.inner_text("body")
    broken = [f"{name}: says {word}" for word in HALF_MADE if word in said]
    if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        broken.append(f"{name}: is wider than its window")
    return broken + [
        f"{name}: {one['id']} ({one['impact']}): {' '.join(node['target'])}: {node['html'][:160]}: "
        + "; ".join(why["message"] for why in [*node["any"], *node["all"], *node["none"]])
        for one in found.response["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
