"""A speech engine that takes no time, and whose customers say what a playbook has cards for."""

from __future__ import annotations

from typing import Final
from zlib import crc32

from benchmarks.instant import Instant
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


def build(settings: AsrSettings) -> Instant:
    """As the registry of engines asks for it; the samples decide: the same audio always says the same."""
    del settings
    return Instant(lambda speech: _SAID[crc32(speech.samples.tobytes()) % len(_SAID)])
