"""Dual mono in a live call: the same samples on several channels are one speech, and nobody can tell whose it is.

A copy that is fainter or later is told in the recording alone, where there is enough of it to compare (``channels``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pipeline.asr.live_channel import Spoken


def once(found: Iterable[Spoken]) -> list[Spoken]:
    """What was said, each only once, with its copies on other channels."""
    kept: list[Spoken] = []
    for it in found:
        place = next((place for place, one in enumerate(kept) if _is_copy(it, one)), None)
        if place is None:
            kept.append(it)
        else:
            one = kept[place]
            kept[place] = replace(one, copies=(*one.copies, it), held_from=min(one.held_from, it.held_from))
    return kept


def _is_copy(it: Spoken, one: Spoken) -> bool:
    return it.channel != one.channel and it.start_ms == one.start_ms and np.array_equal(it.samples, one.samples)
