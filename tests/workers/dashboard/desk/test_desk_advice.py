"""What an agent does with suggestions: by key, once, and told honestly where it could not be sent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from browsers import picture
from dashboard_calls import live_call, play, started, suggested, turns, withdrawn
from dashboard_site import Site
from desk_pages import call_now, desk

from schemas.call import CallEnded
from schemas.suggestion import FeedbackKind, SuggestionFeedback

SHOWN, ACCEPTED, EDITED, DISMISSED = FeedbackKind


async def answers(site: Site, count: int) -> list[tuple[FeedbackKind, str | None]]:
    """What agents said, once there is so much of it."""
    async with asyncio.timeout(20):
        while len(site.feedback()) < count:  # noqa: ASYNC110 - the topic says nothing when it grows
            await asyncio.sleep(0.02)
    found = [one.payload for one in site.feedback()]
    return [(one.kind, one.text) for one in found if isinstance(one, SuggestionFeedback)]


async def title(page: Any) -> str:
    """The title of what stands."""
    return str(await page.inner_text(".suggestion .title"))


async def test_an_agent_accepts_a_live_suggestion_by_key(tmp_path: Path) -> None:
    async with desk() as (site, page):
        call = call_now()
        assert await page.is_visible("text=No call at the moment")
        told = live_call(call)
        await play(site, told)
        await page.wait_for_selector(".suggestion.urgent .title:has-text('Compare, do not talk down')")
        assert await answers(site, 1) == [(SHOWN, None)]
        await picture(page, "desk", tmp_path)
        height = await page.evaluate("document.documentElement.scrollHeight")
        assert height <= 720, "one screen, without scrolling"
        await page.keyboard.press("a")
        await page.keyboard.press("a")
        await page.wait_for_selector("text=✓ Accepted")
        assert await answers(site, 2) == [(SHOWN, None), (ACCEPTED, None)]
        payload = site.feedback()[1].payload
        assert isinstance(payload, SuggestionFeedback)
        assert (payload.agent, payload.card_id, payload.call_id) == ("ann", "card-price", "call-live")
        await page.reload()
        await page.wait_for_selector("text=✓ Accepted")
        await page.keyboard.press("a")
        await page.wait_for_timeout(300)
        assert len(site.feedback()) == 2, "a reload sends nothing again"


async def test_one_is_dismissed_with_a_reason_and_one_is_said_in_other_words() -> None:
    async with desk() as (site, page):
        call = call_now(ago_s=30)
        await site.tell(started(call), suggested(call, "benefit", at_ms=28_000))
        await page.wait_for_selector(".suggestion .title:has-text('Before they say')")
        await page.keyboard.press("x")
        await page.keyboard.type("a said already")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("text=No suggestion at the moment")
        assert await answers(site, 2) == [(SHOWN, None), (DISMISSED, "a said already")]
        assert "dismissed" in await page.inner_text(".earlier")

        await site.tell(suggested(call, "price", at_ms=29_000))
        await page.wait_for_selector(".suggestion .title:has-text('Compare')")
        await page.keyboard.press("e")
        await page.keyboard.press("Control+a")
        await page.keyboard.type("Let us compare the whole year")
        await page.keyboard.press("Control+Enter")
        await page.wait_for_selector("text=✓ Accepted in your words")
        assert (await answers(site, 4))[2:] == [(SHOWN, None), (EDITED, "Let us compare the whole year")]


async def test_what_could_not_be_sent_is_told_and_sent_again() -> None:
    async with desk() as (site, page):
        call = call_now(ago_s=30)
        await site.tell(started(call), suggested(call, "price", at_ms=29_000))
        await page.wait_for_selector(".suggestion .title:has-text('Compare')")
        await answers(site, 1)
        await page.route("**/feedback", lambda route: route.abort())
        await page.keyboard.press("a")
        await page.wait_for_selector("text=Not sent: the server does not answer")
        assert len(site.feedback()) == 1
        await page.unroute("**/feedback")
        await page.click("text=Send again")
        await page.wait_for_selector("text=✓ Accepted")
        assert (await answers(site, 2))[1] == (ACCEPTED, None)


async def test_one_that_is_taken_back_leaves_and_one_after_the_end_is_never_shown() -> None:
    async with desk() as (site, page):
        call = call_now(ago_s=60)
        await site.tell(started(call), *turns(call, 3), suggested(call, "plan", at_ms=50_000))
        await page.wait_for_selector(".suggestion .title:has-text('Plans and prices')")
        await page.click(".passages summary")
        assert "Family: four lines" in await page.inner_text(".passages")
        await page.keyboard.press("e")
        await site.tell(withdrawn(call, "plan", "the agent said it"))
        await page.wait_for_selector("text=It was taken back meanwhile: the agent said it")
        assert await title(page) == "Plans and prices", "it does not go from under the one who writes"
        await page.keyboard.press("Escape")
        await page.wait_for_selector("text=No suggestion at the moment")
        assert "taken back: the agent said it" in await page.inner_text(".earlier")
        await site.tell(CallEnded(call_id=call.call_id, duration_ms=60_000))
        await page.wait_for_selector("text=The call has ended.")
        await site.tell(suggested(call, "price", at_ms=59_000))
        await page.wait_for_selector(".earlier >> text=came after the end")
        assert not await page.is_visible(".suggestion .title")


async def test_a_key_for_a_suggestion_that_was_replaced_does_nothing_to_its_successor() -> None:
    async with desk() as (site, page):
        call = call_now(ago_s=60)
        await site.tell(started(call), suggested(call, "benefit", at_ms=55_000))
        await page.wait_for_selector(".suggestion .title:has-text('Before they say')")
        pressed = """() => new Promise((done) => {
            const title = document.querySelector('.suggestion .title');
            new MutationObserver(() => {
                document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', bubbles: true}));
                done(title.textContent);
            }).observe(title, {childList: true, characterData: true, subtree: true});
        })"""
        waiting = asyncio.create_task(page.evaluate(pressed))
        await page.wait_for_timeout(200)
        await site.tell(withdrawn(call, "benefit"), suggested(call, "price", at_ms=56_000))
        assert (await waiting).startswith("Compare")
        assert await answers(site, 2) == [(SHOWN, None), (SHOWN, None)]
        await page.wait_for_timeout(900)
        await page.keyboard.press("a")
        assert (await answers(site, 3))[2] == (ACCEPTED, None)
