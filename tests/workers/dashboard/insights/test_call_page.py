"""The page of a call: evidence is heard, what strangers wrote is text, others' calls are as if they were not there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from browsers import browser_page, picture
from dashboard_site import dashboard_site
from heard_calls import HEARD, MIXED, SCRIPT, heard_store, rooms_of, write_recording

from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from workers.dashboard.desk.titles import titles_room

AUTOPLAY = ("--autoplay-policy=no-user-gesture-required", "--mute-audio")
TIME = "() => document.querySelector('audio').currentTime"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_recording(folder)
    return folder


async def _ready(page: Any) -> None:
    await page.wait_for_function("() => document.querySelector('audio')?.readyState >= 1")


async def test_an_analyst_hears_the_evidence(recordings: Path, tmp_path: Path) -> None:
    async with (
        dashboard_site(rooms=rooms_of(recordings), store=await heard_store()) as site,
        browser_page(AUTOPLAY) as page,
    ):
        statuses: list[int] = []
        page.on("response", lambda told: statuses.append(told.status) if told.url.endswith("/audio") else None)
        await site.sign_in(page, "analyst", f"/calls/{HEARD}")
        await _ready(page)
        quote = page.locator(".quote", has_text="that is")
        said_s = int(await quote.get_attribute("data-ms")) / 1_000
        assert 9 < said_s < 11  # words have times: it is not the beginning of the turn at 6 s
        await quote.click()
        await page.wait_for_function(f"() => document.querySelector('audio').currentTime > {said_s - 0.5}")
        assert await page.evaluate(TIME) < said_s + 3
        assert 206 in statuses
        await page.wait_for_function("() => document.querySelector('.turn.is-said')?.innerText.includes('sixty')")
        assert await page.evaluate("() => CSS.highlights.get('played-word')?.size ?? 0") == 1
        assert f"at={int(said_s * 1_000)}" in page.url
        await picture(page, "call", tmp_path)

        # By keyboard alone: the evidence of a finding, then pause, and back.
        await page.locator(".found-compliance_all .jump").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_function("() => document.querySelector('audio').currentTime >= 11.5")
        await page.locator(".transcript").focus()
        await page.keyboard.press(" ")
        assert await page.evaluate("() => document.querySelector('audio').paused")
        before = await page.evaluate(TIME)
        await page.keyboard.press("ArrowLeft")
        await page.wait_for_function(
            f"() => Math.abs(document.querySelector('audio').currentTime - {before - 5}) < 0.6"
        )
        await page.keyboard.press(">")
        assert await page.evaluate("() => document.querySelector('audio').playbackRate") == 1.25

        # A link to a moment begins there.
        await page.goto(f"{site.url}/calls/{HEARD}?at=18000")
        await _ready(page)
        await page.wait_for_function("() => document.querySelector('audio').currentTime === 18")
        assert "cancel my contract" in await page.inner_text(".turn.is-said")


async def test_script_in_words_names_and_titles_is_text(recordings: Path) -> None:
    async with (
        dashboard_site(rooms=rooms_of(recordings), store=await heard_store()) as site,
        browser_page() as page,
    ):
        await site.sign_in(page, "analyst", f"/calls/{HEARD}")
        await page.wait_for_selector(".turn")
        for place in (".transcript", ".summary", ".found-suggestions", ".path"):
            assert SCRIPT[:40] in await page.inner_text(place), place
        for path in ("tab=intents", "tab=flow", "tab=search&x.q=cancel", "tab=calls", "tab=outcomes&x.by=intent"):
            await page.goto(f"{site.url}/insights?{path}")
            await page.wait_for_selector("#panel[aria-busy='false']")
            assert "<img" in await page.text_content("#panel"), path  # in a drawing it is broken into lines
        assert await page.evaluate("() => window.hacked") is None
        assert await page.locator("main img, main script").count() == 0


async def test_labels_are_titles_and_a_quote_chosen_early_plays_once_the_recording_is_found(recordings: Path) -> None:
    rooms = (*rooms_of(recordings), titles_room(load_library(Settings())))
    found = asyncio.Event()

    async def later(route: Any) -> None:
        if route.request.method == "HEAD":
            await found.wait()
        await route.continue_()

    async with (
        dashboard_site(rooms=rooms, store=await heard_store()) as site,
        browser_page(AUTOPLAY, locale="zh-CN") as page,
    ):
        await page.route("**/audio", later)
        await site.sign_in(page, "analyst", f"/calls/{HEARD}")
        quote = page.locator(".quote", has_text="too expensive")
        await quote.wait_for()
        assert await quote.count() == 1, "what overlaps is one to press"
        assert await quote.inner_text() == "that is too expensive for me"
        assert await quote.locator("mark").count() == 3
        assert "意图：嫌价格高" in (await quote.get_attribute("aria-label") or "")  # noqa: RUF001
        assert "嫌价格高" in await page.inner_text(".path .steps")
        await quote.click()
        assert await page.get_attribute(".player", "data-state") == "looking"
        found.set()
        await page.wait_for_function("() => document.querySelector('audio')?.currentTime > 9")

        await page.goto(f"{site.url}/insights?tab=flow")
        box = page.locator(".flow-box[data-step='price_objection']")
        assert "嫌价格高" in (await box.text_content() or "")
        await page.goto(f"{site.url}/insights?tab=intents")
        assert "嫌价格高" in await page.inner_text("table.intents")


async def test_a_recording_that_is_gone_is_said_and_all_else_works(recordings: Path, tmp_path: Path) -> None:
    (recordings / f"{HEARD}.wav").unlink()
    async with (
        dashboard_site(rooms=rooms_of(recordings), store=await heard_store()) as site,
        browser_page(locale="zh-CN") as page,
    ):
        await site.sign_in(page, "analyst", f"/calls/{HEARD}")
        await page.wait_for_selector(".player[data-state='gone']")
        assert "录音已不存在" in await page.inner_text(".player")
        await page.locator(".quote", has_text="too expensive").first.click()
        assert "sixty" in await page.inner_text(".turn.is-said")
        await page.keyboard.press(" ")  # nothing to play, and nothing breaks

        await page.goto(f"{site.url}/calls/{MIXED}")
        await page.wait_for_selector(".turn")
        wide = await page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0  # words without an end are broken
        box = "() => { const t = document.querySelector('.transcript'); return t.scrollWidth - t.clientWidth; }"
        assert await page.evaluate(box) <= 0
        assert await page.get_attribute(".turns", "lang") == "zh-CN"
        assert await page.locator(".quote", has_text="这个套餐太贵了").count() == 1
        await picture(page, "call-zh", tmp_path)


async def test_a_colleagues_call_looks_like_one_that_is_not_there(recordings: Path) -> None:
    async with (
        dashboard_site(rooms=rooms_of(recordings), store=await heard_store()) as site,
        browser_page() as page,
    ):
        await site.sign_in(page, "bob")
        seen = []
        for call in (HEARD, "call-none-at-all"):
            reply = await page.goto(f"{site.url}/calls/{call}")
            await page.wait_for_selector(".call .empty")
            seen.append((reply.status, await reply.text(), await page.inner_text("main"), await page.title()))
            told = await page.evaluate(f"() => fetch('/v1/calls/{call}/audio').then((one) => one.status)")
            assert told == 404
        assert seen[0] == seen[1]
        assert seen[0][0] == 403
        own = await page.goto(f"{site.url}/calls/call-of-bob")
        assert own.status == 200
        await page.wait_for_selector(".turn")
