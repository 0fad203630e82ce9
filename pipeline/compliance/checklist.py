"""Which required phrases were said: the newest words are searched, with those of the same side around them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Final

from pipeline.compliance.rules import Rules
from pipeline.extract.findings import SIDES, evidence_of
from pipeline.extract.live_state import Turn
from pipeline.extract.phrases import LENIENT, Line, find_words, line, together
from pipeline.scenarios.model import RequiredPhrase
from schemas.compliance import ChecklistItem
from schemas.insight import Evidence
from schemas.transcript import Segment

UNDER_WAY_MS: Final = 15_000
"""What a side began to say in time may take so long to be heard to its end, as speech is cut at a pause and seldom goes
on longer without one. Words of that side that begin after the time show at once that an item is late.
"""


def ticks(rules: Rules, new: Segment, turns: Sequence[Turn], said: Collection[str]) -> dict[str, Evidence]:
    """The phrases that the newest segment says, or completes.

    Args:
        rules: what must be said.
        new: the segment that came, as it is among ``turns``.
        turns: the newest of the call in order of time; a phrase may be cut in two by the recogniser.
        said: names of phrases that need not be looked for.
    """
    required = rules.lists.required_phrases
    wanted = [phrase for phrase in required if phrase.name not in said and phrase.role in SIDES[new.role]]
    found: dict[str, Evidence] = {}
    for role in {phrase.role for phrase in wanted}:
        spoken = _around(new, [turn for turn in turns if role in SIDES[turn.role]], rules.reach_words)
        lines = [line(segment.text) for segment in spoken]
        whole = together(lines)
        for phrase in wanted:
            if phrase.role is role and (place := _said(phrase, whole)) is not None:
                found[phrase.name] = _words_at(place, spoken, lines)
    return found


def items(rules: Rules, said: Mapping[str, Evidence]) -> tuple[ChecklistItem, ...]:
    """The checklist as it stands."""
    return tuple(
        item if item.name not in said else item.model_copy(update={"said": said[item.name]}) for item in rules.checklist
    )


def digest(checklist: Sequence[ChecklistItem]) -> str:
    """The same for checklists that show the same; empty for one without items."""
    shown = [
        (item.name, item.title, item.role, item.due_ms, item.when_outcome, item.said and item.said.segment_id)
        for item in checklist
    ]
    return blake2b(repr(shown).encode(), digest_size=12).hexdigest() if shown else ""


def late(checklist: Sequence[ChecklistItem], at_ms: int, new: Segment | None) -> Iterator[ChecklistItem]:
    """The open items whose time is over, ``at_ms`` into the call; ``new`` is the segment that came, if one did.

    One that is asked for only at some outcomes is never late before the outcome is known.
    """
    for item in checklist:
        if item.due_ms is None or item.said is not None or item.when_outcome is not None:
            continue
        by_itself = new is not None and item.role in SIDES[new.role] and new.start_ms > item.due_ms
        if by_itself or at_ms > item.due_ms + UNDER_WAY_MS:
            yield item


def _said(phrase: RequiredPhrase, whole: Line) -> tuple[int, int] | None:
    places = (find_words(line(wording), whole, at_least=LENIENT) for wording in phrase.any_of)
    return next((place for place in places if place is not None), None)


def _around(new: Segment, turns: Sequence[Turn], words: int) -> list[Segment]:
    """The new segment, with so many words of the same side before and after it as a phrase may reach into.

    One that comes so late that its surroundings are forgotten stands alone.
    """
    places = (number for number in range(len(turns) - 1, -1, -1) if turns[number].segment_id == new.segment_id)
    if (at := next(places, None)) is None:
        return [new]
    before = list(_reach(reversed(turns[:at]), words))
    return [*reversed(before), new, *_reach(turns[at + 1 :], words)]


def _reach(turns: Iterable[Turn], words: int) -> Iterator[Segment]:
    for turn in turns:
        if words <= 0:
            return
        words -= len(line(turn.text).words)
        yield turn.segment()


def _words_at(place: tuple[int, int], spoken: Sequence[Segment], lines: Sequence[Line]) -> Evidence:
    """The found words, as far as they stand in the last of their segments."""
    first, last = place
    ends = list(accumulate(len(one.words) for one in lines))
    number = bisect_right(ends, last)
    begins = ends[number] - len(lines[number].words)
    words, segment = lines[number].words, spoken[number]
    return evidence_of(segment, segment.text[words[max(first, begins) - begins].start : words[last - begins].end])
