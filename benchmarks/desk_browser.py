"""What a browser shows when: first paints, words of a call, a graph, a long list; and what a page holds in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page, StorageState

WAIT_MS: Final = 120_000
WIDTH: Final = 1280
HEIGHT: Final = 800
_PAINTED: Final = "new Promise((then) => requestAnimationFrame(() => setTimeout(then)))"
"""What was drawn when this is done is on the screen: after a frame's callbacks it is painted."""
SEEN: Final = r"""() => {
  window.seen = {};
  new MutationObserver(() => {
    const now = [];
    for (const p of document.querySelectorAll(".turn p"))
      for (const [word] of p.textContent.matchAll(/word-\d+-/g)) if (!(word in window.seen)) now.push(word);
    if (now.length) requestAnimationFrame(() => setTimeout(() => {
      for (const word of now) window.seen[word] ??= performance.timeOrigin + performance.now();
    }));
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""
"""Notes when each word of the kind ``word-7-`` was first painted, in ms since 1970."""
_FIRST_ROW: Final = """() => {
  const look = new MutationObserver(() => {
    if (!document.querySelector(".floor-row")) return;
    look.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.firstRow = performance.now())));
  });
  document.addEventListener("DOMContentLoaded", () => look.observe(document.body, { childList: true, subtree: true }));
}"""
_GRAPH: Final = f"""async () => {{
  const begun = performance.now();
  performance.clearMarks();
  document.getElementById("tab-flow").click();
  while (!document.querySelector(".flow-edge")) await new Promise((then) => setTimeout(then, 5));
  await {_PAINTED};
  const now = performance.now();
  const fetched = performance.getEntriesByName("flow-fetched").at(-1).startTime;
  return {{ whole: now - begun, drawn: now - fetched, steps: document.querySelectorAll(".flow-box").length }};
}}"""


@dataclass(frozen=True, slots=True)
class Held:
    """What a page holds after its garbage was collected."""

    heap_mb: float
    nodes: float
    listeners: float


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without a window."""
    from browsers import CHROMIUM
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        yield browser
        await browser.close()


async def signed_in(browser: Browser, url: str, key: str) -> StorageState:
    """What a browser keeps of somebody who has signed in."""
    context = await browser.new_context()
    reply = await context.request.post(f"{url}/session", data={"key": key}, headers={"Sec-Fetch-Site": "same-origin"})
    if not reply.ok:
        raise RuntimeError(f"signing in: {reply.status}")
    kept = await context.storage_state()
    await context.close()
    return kept


@asynccontextmanager
async def fresh_page(browser: Browser, kept: StorageState) -> AsyncIterator[Page]:
    """A page of a browser with nothing in its cache, signed in."""
    context = await browser.new_context(storage_state=kept, viewport={"width": WIDTH, "height": HEIGHT}, locale="en-GB")
    page = await context.new_page()
    page.set_default_timeout(WAIT_MS)
    yield page
    await context.close()


async def first_paints(browser: Browser, kept: StorageState, address: str, times: int) -> list[float]:
    """How many ms from the navigation to the first contentful paint, each time without a cache."""
    found = []
    for _ in range(times):
        async with fresh_page(browser, kept) as page:
            await page.goto(address)
            await page.wait_for_selector("#main .page")
            said = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            await page.wait_for_function(said)
            found.append(float(await page.evaluate(said)))
    return found


async def first_rows(browser: Browser, kept: StorageState, url: str, times: int) -> list[float]:
    """How many ms from the navigation to the first rows of the floor being painted."""
    found = []
    for _ in range(times):
        async with fresh_page(browser, kept) as page:
            await page.add_init_script(f"({_FIRST_ROW})()")
            await page.goto(f"{url}/floor")
            await page.wait_for_function("() => window.firstRow > 0")
            found.append(float(await page.evaluate("window.firstRow")))
    return found


async def graphs(browser: Browser, kept: StorageState, url: str, times: int) -> dict[str, float]:
    """Medians in ms: ``whole`` from the click, ``drawn`` from when the drawing was there, both until it is painted."""
    took = []
    for _ in range(times):
        async with fresh_page(browser, kept) as page:
            await page.goto(f"{url}/insights?tab=calls")
            await page.wait_for_selector("table.calls tbody tr")
            took.append(await page.evaluate(_GRAPH))
    return {name: median(one[name] for one in took) for name in ("whole", "drawn", "steps")}


async def held(session: CDPSession) -> Held:
    """What the page of this session of Chromium's own protocol holds now."""
    await session.send("HeapProfiler.collectGarbage")
    told = (await session.send("Performance.getMetrics"))["metrics"]
    found = {one["name"]: one["value"] for one in told}
    return Held(found["JSHeapUsedSize"] / 1e6, found["Nodes"], found["JSEventListeners"])


def growth(samples: Sequence[float]) -> float:
    """The median of the last third over that of the third before; 0.05 is five per cent more."""
    third = len(samples) // 3
    return median(samples[-third:]) / median(samples[-2 * third : -third]) - 1
