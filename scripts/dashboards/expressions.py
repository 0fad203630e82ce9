"""Prometheus expressions over counters and histograms; windows are Prometheus' own durations, such as ``5m``."""

from __future__ import annotations

from typing import Final

OF_STAGE: Final = 'stage=~"$stage", lane=~"$lane"'
"""The stages and lanes that are chosen at the top of a page."""


def grown(counter: str, by: str = "", window: str = "1h") -> str:
    """By how much a counter has grown, by labels."""
    return f"sum by ({by}) (increase({counter}[{window}]))"


def pace(counter: str, by: str = "", window: str = "5m") -> str:
    """How much a counter grows in a second, by labels."""
    return f"sum by ({by}) (rate({counter}[{window}]))"


def grown_share(part: str, whole: str, by: str = "", window: str = "1h") -> str:
    """By how much one counter has grown, of what another has, by labels."""
    return f"{grown(part, by, window)} / {grown(whole, by, window)}"


def share(part: str, whole: str, by: str = "", window: str = "15m") -> str:
    """How fast one counter grows, of how fast another does, by labels."""
    return f"{pace(part, by, window)} / {pace(whole, by, window)}"


def quantile(which: float, histogram: str, by: str, matchers: str = "", window: str = "5m") -> str:
    """A quantile of a histogram, by labels."""
    chosen = f"{{{matchers}}}" if matchers else ""
    return f"histogram_quantile({which}, sum by (le, {by}) (rate({histogram}_bucket{chosen}[{window}])))"
