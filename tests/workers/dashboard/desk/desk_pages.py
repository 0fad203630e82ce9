"""The desk of an agent in a browser, for tests: signed in, and looking at a call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from browsers import browser_page
from dashboard_calls import Call, Tongue, lasts
from dashboard_site import Site, dashboard_site

SIZE = {"width": 1280, "height": 720}
WAIT_MS = 20_000
"""A browser on a machine that does other things, too."""


def call_now(call_id: str = "call-live", *, ago_s: float | None = None, tongue: Tongue = "en", **facts: str) -> Call:
    """A call that began so many seconds ago; where nothing is said, one whose script is at its last words now."""
    call = Call(datetime.now(UTC), call_id, tongue=tongue, **facts)
    ago = lasts(call) if ago_s is None else timedelta(seconds=ago_s)
    return Call(call.began - ago, call_id, tongue=tongue, **facts)


@asynccontextmanager
async def desk(
    who: str = "ann", path: str = "/desk", site: Site | None = None, **context: Any
) -> AsyncIterator[tuple[Site, Any]]:
    """The site and a page of it, of whoever signs in."""
    if site is None:
        async with dashboard_site() as own, desk(who, path, own, **context) as found:
            yield found
        return
    async with browser_page(**{"viewport": SIZE, "locale": "en-GB", **context}) as page:
        page.set_default_timeout(WAIT_MS)
        await site.sign_in(page, who, path)
        yield site, page


async def turns_shown(page: Any) -> list[str]:
    """The words of the call as they stand there."""
    return [str(text) for text in await page.locator(".live-turn p").all_inner_texts()]


async def wait_for_turns(page: Any, count: int) -> None:
    """Wait until so many turns stand there."""
    from playwright.async_api import expect

    await expect(page.locator(".live-turn p")).to_have_count(count, timeout=WAIT_MS)


async def gone(page: Any, selector: str) -> None:
    """Wait until nothing of the kind is there."""
    from playwright.async_api import expect

    await expect(page.locator(selector)).to_have_count(0, timeout=WAIT_MS)
