"""What of a live call's words may leave this process: masked among the words around them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.asr.live_numbers import Holding, Said
from pipeline.privacy.masking import Mask
from schemas.transcript import Segment

_RECENT: Final = 6
"""Segments that masking looks back on: a code is said up to three segments after somebody asked for it."""
_WORD: Final = r"(?:[^\s\u2e80-\u9fff]+|[\u2e80-\u9fff])\s*"
_LAST: Final = (re.compile(_WORD + "$"), re.compile(_WORD * 2 + "$"))
"""The last word, or character of Chinese, of a text; its last two."""


@dataclass(frozen=True, slots=True)
class Masked:
    """``new`` segments; such that are out and ``corrected``, as a number began in them; ``recent`` are the last."""

    new: tuple[Segment, ...]
    corrected: tuple[Segment, ...]
    recent: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Masking:
    """Masks segments; ``holding`` says which of them wait for the rest of a number."""

    mask: Mask
    holding: Holding

    def write(
        self, recent: Sequence[Segment], going: Sequence[Said], around: Sequence[Said], language: str | None
    ) -> Masked:
        """Mask what goes out now.

        Args:
            recent: segments that went out before, masked.
            going: what goes out now, in order of start.
            around: what is kept or still being said, too; of what is out, some may begin a number after all.
            language: of the call.
        """
        said = {it.segment.segment_id: it for it in (*around, *going)}
        if not said:
            return Masked((), (), tuple(recent))
        before = {it.segment_id: it for it in recent}
        shown = self._masked(recent, list(said.values()), language)
        new = tuple(shown[it.segment.segment_id] for it in going)
        corrected = tuple(
            shown[id_]
            for id_, it in said.items()
            if it.out and id_ in before and before[id_].text == it.segment.text != shown[id_].text
        )
        before |= {it.segment_id: _lean(it) for it in (*corrected, *new)}
        return Masked(new, corrected, tuple(before.values())[-_RECENT:])

    def partial(
        self, recent: Sequence[Segment], said: Said, kept: Sequence[Said], language: str | None
    ) -> Segment | None:
        """The words so far, without the digits of a number that may go on; None where nothing is left of them."""
        segment = said.segment.model_copy(update={"words": (), "text": self._closed(said.segment, language)})
        if not segment.text:
            return None
        others = [it for it in kept if it.segment.segment_id != segment.segment_id]
        shown = Said(said.spoken, segment, said.language)
        return self._masked(recent, [*others, shown], language)[segment.segment_id]

    def _closed(self, segment: Segment, language: str | None) -> str:
        """The text without the number at its end, if that is open; it has ended where the last words are none.

        The very last one does not end it: it was cut off while it was said, and may be a digit that nobody could hear.
        """

        def is_open(text: str) -> bool:
            return self.holding.is_open(segment.model_copy(update={"text": text}), language)

        text = segment.text
        if not is_open(text) and not is_open(text := _LAST[0].sub("", text).rstrip()):
            return segment.text
        while text and (is_open(text) or any(is_open(found[0]) for last in _LAST if (found := last.search(text)))):
            text = _LAST[0].sub("", text).rstrip()
        return text

    def _masked(self, recent: Sequence[Segment], said: Sequence[Said], language: str | None) -> dict[str, Segment]:
        """Each by its id as it may be shown; what is said now counts as it was said, not as it went out."""
        now = sorted((it.segment for it in said), key=lambda it: (it.start_ms, it.channel))
        ids = {it.segment_id for it in now}
        context = [it for it in recent if it.segment_id not in ids]
        return {it.segment_id: it for it in self.mask((*context, *now), language)[len(context) :]}


def _lean(segment: Segment) -> Segment:
    """A segment without the times of its words, as it is remembered."""
    return segment.model_copy(update={"words": (), "masked": ()})
