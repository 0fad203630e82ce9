"""What three people come for, from signing in on: with the mouse in English, and in Chinese without one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from browsers import browser_page, picture
from dashboard_calls import Call, alert, live_call, play, suggested
from dashboard_site import Site
from playwright.async_api import expect
from pressing import WAIT_MS, tab_to, type_keys
from whole_dashboard import SAMPLE, busy_floor, call_now, whole_dashboard

from schemas.suggestion import FeedbackKind, SuggestionCreated, SuggestionFeedback

pytestmark = pytest.mark.timeout(600)
SIZE = {"width": 1280, "height": 800}
SOUND = ("--autoplay-policy=no-user-gesture-required", "--mute-audio")
EDGES = "document.querySelectorAll('.flow-edge:not(.away)').length"


@asynccontextmanager
async def opened(folder: Path, who: str, **context: Any) -> AsyncIterator[tuple[Site, Any]]:
    """The dashboard, and somebody who has just signed in."""
    expect.set_options(timeout=WAIT_MS)
    async with (
        whole_dashboard(folder) as site,
        browser_page(SOUND, **{"viewport": SIZE, "locale": "en-GB", **context}) as page,
    ):
        page.set_default_timeout(WAIT_MS)
        await site.sign_in(page, who)
        await page.wait_for_selector("#main .page")
        yield site, page


# An agent accepts a suggestion while the call goes on.


async def test_an_agent_accepts_a_suggestion_live(tmp_path: Path) -> None:
    async with opened(tmp_path, "ann") as (site, page):
        await page.click("nav a[href='/desk']")
        await _a_call_with_advice(site, page, call_now())
        await page.click(".suggestion button[aria-keyshortcuts=a]")
        await expect(page.locator(".suggestion .good")).to_contain_text("Accepted")
        await picture(page, "play-agent", tmp_path)
        await _is_accepted(site)


async def test_an_agent_accepts_a_suggestion_live_in_chinese_by_keyboard(tmp_path: Path) -> None:
    async with opened(tmp_path, "ann", locale="zh-CN") as (site, page):
        await type_keys(page, "g", "d")
        await _a_call_with_advice(site, page, call_now(tongue="zh"))
        await type_keys(page, "a")
        await expect(page.locator(".suggestion .good")).to_contain_text("已采纳")
        await picture(page, "play-agent-zh", tmp_path)
        await _is_accepted(site)


async def _a_call_with_advice(site: Site, page: Any, call: Call) -> None:
    """What was said stands there; then advice comes, and may be taken."""
    *before, _ = story = live_call(call)
    await play(site, [one for one in before if not (isinstance(one.event, SuggestionCreated) and _is_last(one.event))])
    await expect(page.locator(".turn p").last).to_contain_text(call.script.turns[-2][1][:12])
    assert await page.locator(".suggestion .title").is_hidden()
    lasts = datetime.now(UTC) + timedelta(minutes=2)
    await site.tell(suggested(call, at_ms=_ms_of(call), expires_at=lasts), story[-1].event)
    await page.wait_for_selector(".suggestion.urgent .title")
    assert await page.inner_text(".suggestion .title") == call.script.cards["price"].title
    await page.wait_for_timeout(1_000)  # keys that were meant for what stood there before do nothing so long


def _is_last(event: SuggestionCreated) -> bool:
    return event.card_id == "card-price"


def _ms_of(call: Call) -> int:
    return (datetime.now(UTC) - call.began) // timedelta(milliseconds=1)


async def _is_accepted(site: Site) -> None:
    async with asyncio.timeout(WAIT_MS / 1_000):
        while len(site.feedback()) < 2:  # noqa: ASYNC110 - the topic says nothing when it grows
            await asyncio.sleep(0.05)
    told = [one.payload for one in site.feedback() if isinstance(one.payload, SuggestionFeedback)]
    assert [(one.kind, one.agent, one.card_id) for one in told] == [
        (FeedbackKind.SHOWN, "ann", "card-price"),
        (FeedbackKind.ACCEPTED, "ann", "card-price"),
    ]


# A supervisor sees an alert among the calls, and opens the one that it is about.


async def test_a_supervisor_sees_an_alert_and_opens_the_call(tmp_path: Path) -> None:
    async with opened(tmp_path, "supervisor") as (site, page):
        calls = await busy_floor(site)
        await page.click("nav a[href='/floor']")
        await _alarm(site, page, calls[7])
        await page.click(".floor-news")
        row = page.locator(".floor-row").first
        await expect(row).to_have_attribute("data-key", calls[7].call_id)
        await picture(page, "play-supervisor", tmp_path)
        await row.locator(".agent").click()
        await _reads_along(page, calls[7], "Only the agent answers suggestions.")
        await picture(page, "play-supervisor-call", tmp_path)


async def test_a_supervisor_sees_an_alert_and_opens_the_call_in_chinese_by_keyboard(tmp_path: Path) -> None:
    async with opened(tmp_path, "supervisor", locale="zh-CN") as (site, page):
        calls = await busy_floor(site, "zh")
        await type_keys(page, "g", "f")
        await _alarm(site, page, calls[7])
        await type_keys(page, "n")
        assert await page.evaluate("document.activeElement.dataset.key") == calls[7].call_id
        await picture(page, "play-supervisor-zh", tmp_path)
        await type_keys(page, "Enter")
        await _reads_along(page, calls[7], "只有坐席")
        await picture(page, "play-supervisor-call-zh", tmp_path)


async def _alarm(site: Site, page: Any, call: Call) -> None:
    """A customer names an authority while a supervisor looks at the floor."""
    await expect(page.locator(".floor-row")).to_have_count(12)
    assert await page.locator(".floor-news").is_hidden()
    await site.tell(alert(call, at_ms=_ms_of(call)))
    await expect(page.locator(".floor-news")).to_be_visible()
    await expect(page.locator("#announced")).to_contain_text(call.script.phrases["authority"])


async def _reads_along(page: Any, call: Call, only_reads: str) -> None:
    """What is said in the call stands there, and what alarmed; the supervisor answers nothing in the agent's place."""
    await page.wait_for_url(f"**/desk?call={call.call_id}")
    await expect(page.locator(".turn p").first).to_be_visible()
    await expect(page.locator(".side")).to_contain_text(call.script.phrases["authority"])
    await expect(page.locator(".suggestion")).to_contain_text(only_reads)
    assert await page.locator(".suggestion button[aria-keyshortcuts]").count() == 0
    await page.wait_for_timeout(500)  # until what arrives has arrived


# An analyst filters the flow graph, goes on to the calls of a step, and hears what was said in one.


async def test_an_analyst_filters_the_flow_graph_and_hears_the_evidence(tmp_path: Path) -> None:
    async with opened(tmp_path, "analyst") as (_, page):
        await page.click("nav a[href='/insights']")
        await page.click("#tab-flow")
        await page.wait_for_selector(".flow-edge:not(.away)")
        drawn = await page.evaluate(EDGES)
        width = (await page.locator("#least-share").bounding_box())["width"]
        await page.locator("#least-share").click(position={"x": width / 4, "y": 8})
        await _fewer_edges_than(page, drawn)
        await page.get_by_label("Find a step").fill("price objection")
        await page.get_by_role("button", name="All of it").click()
        await page.click("[data-step=price_objection]")
        await page.click(".flow-about button.main")
        await page.click(f"a[href='/calls/{SAMPLE}']")
        await _can_be_heard(page)
        await page.locator(".quote", has_text="too much").first.click()
        await _is_heard(page)
        await picture(page, "play-analyst", tmp_path)


async def test_an_analyst_hears_the_evidence_in_chinese_by_keyboard(tmp_path: Path) -> None:
    async with opened(tmp_path, "analyst", locale="zh-CN") as (_, page):
        await type_keys(page, "g", "i", "3")
        await page.wait_for_selector(".flow-edge:not(.away)")
        drawn = await page.evaluate(EDGES)
        await tab_to(page, "#least-share")
        await type_keys(page, *["ArrowRight"] * 10)
        await _fewer_edges_than(page, drawn)
        await tab_to(page, "#find-step")
        await page.keyboard.type("price objection")
        await tab_to(page, ".flow-box")
        await _arrows_to(page, "price_objection")
        await type_keys(page, "Enter")
        await tab_to(page, ".flow-about button.main")
        await type_keys(page, "Enter")
        await page.wait_for_selector(f"a[href='/calls/{SAMPLE}']")
        await tab_to(page, f"a[href='/calls/{SAMPLE}']")
        await type_keys(page, "Enter")
        await _can_be_heard(page)
        await tab_to(page, ".quote[aria-label*='I am paying']")
        await type_keys(page, "Enter")
        await _is_heard(page)
        await picture(page, "play-analyst-zh", tmp_path)


async def _fewer_edges_than(page: Any, drawn: int) -> None:
    """Some edges are hidden, and the page and its address say so."""
    left = await page.evaluate(EDGES)
    assert 0 < left < drawn
    assert re.search(rf"\b{left}\b", await page.inner_text(".flow-told"))
    await page.wait_for_url(re.compile(r"x\.share="))


async def _arrows_to(page: Any, step: str) -> None:
    """From step to step along the edges."""
    for key in ("", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowDown", "ArrowRight"):
        if key:
            await page.keyboard.press(key)
        if await page.evaluate("document.activeElement.dataset.step") == step:
            return
    raise AssertionError(f"nobody gets to {step} by arrows")


async def _can_be_heard(page: Any) -> None:
    await page.wait_for_function("() => document.querySelector('audio')?.readyState >= 1")


async def _is_heard(page: Any) -> None:
    """The recording plays from where the customer finds it too much, in the turn from 0:08 to 0:13, which is marked."""
    await page.wait_for_function("() => document.querySelector('audio')?.currentTime > 9")
    assert await page.evaluate("document.querySelector('audio').seekable.end(0)") > 50
    await expect(page.locator(".turn.is-said")).to_be_visible()
    at = re.search(r"at=(\d+)", page.url)
    assert at
    assert 8_000 <= int(at[1]) <= 13_000, "where it was said, not at the beginning"
