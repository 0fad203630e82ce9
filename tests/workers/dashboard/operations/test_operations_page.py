"""Somebody looks after the pipeline in a real browser: what waits, what it cost, what died, and a replay of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from browsers import browser_page, picture
from dashboard_site import dashboard_site
from operations_room import SCRIPT, operations_of

from pipeline.stages import RECORDINGS

pytestmark = pytest.mark.timeout(120)


async def test_an_admin_finds_what_died_and_replays_it_by_keyboard(tmp_path: Path) -> None:
    room, broker = await operations_of(home="acme")
    async with dashboard_site(rooms=[room]) as site, browser_page(locale="en-GB") as page:
        await site.sign_in(page, "admin", "/operations")
        await page.wait_for_selector("tbody tr:nth-child(14)")
        assert await page.inner_text(".operations [role=status]") == "0 events wait in all"
        await picture(page, "operations-stages", tmp_path)
        await page.keyboard.press("2")
        await page.wait_for_selector("tbody tr[data-name]")
        assert SCRIPT in await page.inner_text("tbody")
        assert "tab=letters" in page.url
        await page.focus("tbody tr[data-name] input")
        await page.keyboard.press("Space")
        await picture(page, "operations-letters", tmp_path)
        await page.focus("button.main")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("dialog[open]")
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".operations [role=status]:has-text('1 replayed')")
        assert len(broker.records(RECORDINGS)) == 1
        await page.reload()
        await page.wait_for_selector("tbody tr[data-name]")
        assert "k-admin" in await page.inner_text("tbody")


async def test_what_models_cost_stands_by_scenario_and_a_supervisor_cannot_replay(tmp_path: Path) -> None:
    room, _ = await operations_of(home="acme")
    async with dashboard_site(rooms=[room]) as site, browser_page(locale="zh-CN") as page:
        await site.sign_in(page, "supervisor", "/operations?tab=cost")
        await page.wait_for_selector("tbody tr")
        assert "telecom" in await page.inner_text("tbody")
        assert "secret-scenario" not in await page.inner_text("main")
        await picture(page, "operations-cost-zh", tmp_path)
        await page.keyboard.press("2")
        await page.wait_for_selector("tbody tr[data-name]")
        assert await page.query_selector("tbody input") is None
        assert "admin" in await page.inner_text(".operations section > p:last-child")
        await page.keyboard.press("4")
        await page.wait_for_selector(".operations section table, .operations .empty")
        await page.keyboard.press("5")
        await page.wait_for_selector(".operations [role=status] p")
