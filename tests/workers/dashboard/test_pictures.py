"""Every page as people see it at 1280 by 800; ``PICTURES_IN=docs/pictures`` makes the pictures of the docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsers import browser_page, picture
from dashboard_calls import live_call, play
from dashboard_site import Site
from pressing import WAIT_MS, type_keys
from whole_dashboard import SAMPLE, busy_floor, call_now, speak_on, stages_go_on, whole_dashboard

from workers.dashboard.operations.course import EVERY_S

pytestmark = pytest.mark.timeout(600)
SIZE = {"width": 1280, "height": 800}


async def test_every_page_has_its_picture(tmp_path: Path) -> None:
    async with whole_dashboard(tmp_path) as site, browser_page(viewport=SIZE, locale="en-GB") as page:
        page.set_default_timeout(WAIT_MS)
        await _desk(site, page, tmp_path)
        await page.context.clear_cookies()
        await site.sign_in(page, "supervisor")
        await _floor(site, page, tmp_path)
        await _shows(page, f"{site.url}/insights?tab=intents", "table tbody tr")
        await picture(page, "insights", tmp_path)
        await _shows(page, f"{site.url}/insights?tab=flow&x.share=8&x.pick=price_objection", ".flow-about dl")
        await type_keys(page, "0", "+", "+", "+")
        await page.mouse.wheel(0, 500)
        await page.wait_for_timeout(400)
        await picture(page, "flow", tmp_path)
        await _shows(page, f"{site.url}/calls/{SAMPLE}?at=9000", ".turn.is-said")
        await page.wait_for_function("() => document.querySelector('audio')?.readyState >= 1")
        await picture(page, "call", tmp_path)
        await _shows(page, f"{site.url}/workbench?tab=cards&item=answer-cancel-contract", "#card-title")
        await picture(page, "workbench", tmp_path)
        await _operations(site, page, tmp_path)


async def _shows(page: Any, address: str, what: str) -> None:
    """Open a page, and wait for what it is about and what is drawn after that."""
    await page.goto(address)
    await page.locator(what).locator("visible=true").first.wait_for()
    await page.wait_for_timeout(800)


async def _desk(site: Site, page: Any, folder: Path) -> None:
    await site.sign_in(page, "ann", "/desk")
    await play(site, live_call(call_now()))
    await page.wait_for_selector(".suggestion.urgent .title")
    await page.wait_for_timeout(800)
    await picture(page, "desk", folder)
    await page.emulate_media(color_scheme="dark")
    await picture(page, "desk-dark", folder)
    await page.emulate_media(color_scheme="light")


async def _floor(site: Site, page: Any, folder: Path) -> None:
    calls = await busy_floor(site)
    await _shows(page, f"{site.url}/floor", ".floor-row.alarming")
    await speak_on(site, calls)
    await page.wait_for_function("() => Number(document.querySelector('[data-total=silent] dd').textContent) < 4")
    await page.wait_for_timeout(800)
    await picture(page, "floor", folder)


async def _operations(site: Site, page: Any, folder: Path) -> None:
    """Between two looks the stages do what there is, but for the newest."""
    await _shows(page, f"{site.url}/operations", "tbody tr:nth-child(14)")
    stages_go_on(site)
    await busy_floor(site)
    await page.wait_for_timeout(EVERY_S * 1_000 + 500)
    await page.reload()
    await page.wait_for_selector("tbody tr:nth-child(14)")
    await page.wait_for_timeout(800)
    await picture(page, "operations", folder)
