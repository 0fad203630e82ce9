"""What the live lane counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Counts:
    """What became of live audio in this process, beside its segments.

    ``partials_missed`` are the words so far that could not be recognised, or not before their speech was over.
    ``held_back`` are the segments that waited for the rest of a number, and ``held_back_ms`` how long they did, in ms
    of their calls: that is no latency. ``cut_ms`` is speech whose words were taken for phantoms, by reason.
    """

    dropped: int = 0
    partials: int = 0
    partials_missed: int = 0
    held_back: int = 0
    held_back_ms: int = 0
    cut_ms: Counter[str] = field(default_factory=Counter)
