"""Somebody who sells and supervises: their own calls are answered, those of others are read along with."""

from __future__ import annotations

import dashboard_site
import pytest
from dashboard_calls import started, suggested, turns
from desk_pages import call_now, desk, wait_for_turns

from pipeline.access.principal import Principal

BOTH = Principal("k-both", "acme", frozenset({"agent:ann", "supervisor"}), "Ann and more")


async def test_own_calls_are_answered_and_a_link_to_anothers_is_read_along_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(dashboard_site.PEOPLE, "both", BOTH)
    mine, others = (call_now(f"call-{agent}", ago_s=10, agent=agent) for agent in ("ann", "bob"))
    async with desk("both") as (site, page):
        for call in (others, mine):
            await site.tell(started(call), *turns(call, 2), suggested(call, at_ms=1_000))
        await wait_for_turns(page, 2)
        await page.wait_for_selector(".suggestion button:has-text('Accept')")
        assert await page.locator("[role=tab]:visible").count() <= 1, "a colleague's call is none of one's own"

        await page.goto(f"{site.url}/desk?call=call-bob")
        await page.wait_for_selector("text=You read along")
        await wait_for_turns(page, 2)
        assert await page.locator(".suggestion button:visible").count() == 0

        await page.goto(f"{site.url}/desk?call=call-ann")
        await page.wait_for_selector(".suggestion button:has-text('Accept')")
        await page.wait_for_timeout(2_500)
        assert await page.is_visible(".suggestion button:has-text('Accept')")


def test_whose_calls_are_ones_own_is_said_by_a_scope_whatever_else_one_may_see() -> None:
    assert (BOTH.agent, BOTH.asker and BOTH.asker.agent) == ("ann", None)
    seller = Principal("k", "acme", frozenset({"agent:ann"}))
    assert (seller.agent, seller.asker and seller.asker.agent) == ("ann", "ann")
    assert Principal("k", "acme", frozenset({"supervisor"})).agent is None
