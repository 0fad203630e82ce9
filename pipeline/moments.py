"""A moment of a call as people read it."""

from __future__ import annotations


def clock(milliseconds: int) -> str:
    """Minutes and seconds from the start of the call: ``03:07``."""
    minutes, seconds = divmod(milliseconds // 1_000, 60)
    return f"{minutes:02}:{seconds:02}"
