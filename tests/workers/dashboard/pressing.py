"""What somebody does who has no mouse, and how long a busy machine is waited for."""

from __future__ import annotations

from typing import Any, Final

WAIT_MS: Final = 90_000
"""A browser on a machine that does much else."""
_MOST: Final = 120
"""Presses of Tab until somebody gives up."""


async def tab_to(page: Any, selector: str) -> None:
    """Press Tab until what has the focus is one of these."""
    for _ in range(_MOST):
        await page.keyboard.press("Tab")
        if await page.evaluate("(wanted) => document.activeElement?.matches(wanted) ?? false", selector):
            return
    raise AssertionError(f"nobody gets to {selector} by Tab")


async def type_keys(page: Any, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        await page.keyboard.press(key)
