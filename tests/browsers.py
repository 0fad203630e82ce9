"""Real Chromium for tests of pages; Debian's, at ``/usr/bin/chromium``, which ``scripts/test`` installs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = Path("/usr/bin/chromium")
PICTURES: Final = os.environ.get("PICTURES_IN")
"""Folder in which tests keep pictures of what they saw; each in its own temporary folder where it is not set."""


@asynccontextmanager
async def browser_page(arguments: Sequence[str] = (), **context: Any) -> AsyncIterator[Any]:
    """A page of a browser of its own; at its end there was no fault on it, and nothing was refused by its policy."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *arguments])
        page = await (await browser.new_context(**context)).new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if "Content Security" in told.text else None)
        yield page
        await browser.close()
        assert faults == []


async def picture(page: Any, name: str, folder: Path) -> Path:
    """A picture of what the page shows, kept as ``name``."""
    place = Path(PICTURES) if PICTURES else folder
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{name}.png"
    await page.screenshot(path=path)
    return path
