"""A speech engine that takes no time, and whose customers say what a playbook has cards for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

from pipeline.ports import Recognition, Speech
from pipeline.settings import AsrSettings

_SAID: Final = (
    "the other company offers me the same for twenty dollars",
    "there is a charge on my bill that i do not know",
    "i want to cancel my contract at the end of the month",
    "let me speak to your supervisor please",
    "i would like to have more data on my plan",
    "which plans do you have and what is in them",
    "yes that is right thank you",
    "one moment please",
)


class Instant:
    """Words that the samples of a stretch decide: the same audio always says the same."""

    name = "instant"
    sample_rate_hz = 16_000

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """As fast as it can be."""
        return [Recognition(_SAID[crc32(it.samples.tobytes()) % len(_SAID)], 0.9, "en") for it in speeches]

    async def close(self) -> None:
        """Nothing is held open."""


def build(settings: AsrSettings) -> Instant:
    """As the registry of engines asks for it."""
    del settings
    return Instant()
