"""When what was masked was said: the times of its words, or an estimate from its place in the text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, islice, takewhile
from typing import Final

from pipeline.privacy.placeholders import Cut
from schemas.transcript import MaskedSpan, Segment, Word

WORD_MARGIN_MS: Final = 100
"""Silence before and after masked words: engines tell the time of a word to a tenth of a second or so."""
ESTIMATE_MARGIN_MS: Final = 500
"""The same where no words tell the time, at least; and at least the next constant's share of the segment."""
ESTIMATE_MARGIN_SHARE: Final = 0.1
_WEIGHTS: Final = {"digit": 4.0, "letter": 1.0, "han": 3.0, "other": 0.5}
"""How long one character takes to say, roughly, against a letter of a Latin word."""
_HAN_FROM: Final = "\u2e80"


def is_told_by_words(segment: Segment) -> bool:
    """Whether the words of a segment, if it has any, are those of its text."""
    return not segment.words or _letters(segment.text) == _letters(spoken_text(segment))


def spoken_text(segment: Segment) -> str:
    """The words of a segment as a text."""
    return " ".join(word.text for word in segment.words)


def with_times(segment: Segment, text: str, cuts: Sequence[Cut], heard: Sequence[Cut] | None) -> Segment:
    """The segment with its masked text, its masked words, and the times that nobody may hear.

    Args:
        segment: as it came.
        text: its masked text.
        cuts: what was replaced in its text, in order of place.
        heard: what was replaced in ``spoken_text``, where that is another text; else None.
    """
    told = cuts if heard is None else heard
    if not cuts and not told:
        return segment
    words, spans = segment.words, list[MaskedSpan]()
    if segment.words:
        words, spans = _masked_words(segment, told, whole=segment.text if heard is None else spoken_text(segment))
    if not spans:
        spans = list(_estimates(segment, cuts))
    return segment.model_copy(update={"text": text, "words": words, "masked": joined((*segment.masked, *spans))})


def joined(spans: Iterable[MaskedSpan]) -> tuple[MaskedSpan, ...]:
    """In order of time; those of one kind that overlap or touch are one."""
    done: list[MaskedSpan] = []
    for span in sorted(spans, key=lambda span: (span.kind, span.start_ms, span.end_ms)):
        if done and done[-1].kind == span.kind and span.start_ms <= done[-1].end_ms:
            last = done.pop()
            done.append(last.model_copy(update={"end_ms": max(last.end_ms, span.end_ms)}))
        else:
            done.append(span)
    return tuple(sorted(done, key=lambda span: (span.start_ms, span.end_ms, span.kind)))


def _masked_words(segment: Segment, cuts: Sequence[Cut], *, whole: str) -> tuple[tuple[Word, ...], list[MaskedSpan]]:
    places = _places(segment.words, whole)
    words: list[Word] = []
    spans: list[MaskedSpan] = []
    for owner, group in groupby(zip(_owners(places, cuts), segment.words, places, strict=True), key=lambda one: one[0]):
        members = list(group)
        if owner is None:
            words += [word for _, word, _ in members]
            continue
        start, end = members[0][2][0], members[-1][2][1]
        start_ms = min(word.start_ms for _, word, _ in members)
        end_ms = max(start_ms, *(word.end_ms for _, word, _ in members))
        inside = list(takewhile(lambda cut: cut.start < end, islice(cuts, owner, None)))  # noqa: B023 - used at once
        words.append(Word(text=_masked_word(whole, start, end, inside), start_ms=start_ms, end_ms=end_ms))
        spans += [_span(segment, cut, start_ms - WORD_MARGIN_MS, end_ms + WORD_MARGIN_MS) for cut in inside]
    return tuple(words), spans


def _masked_word(whole: str, start: int, end: int, cuts: Sequence[Cut]) -> str:
    """The placeholder, and what of a word is not masked, as in 号码是一三八 that an engine gave as one; marks go."""
    parts = []
    for cut in cuts:
        parts += [whole[start : cut.start], cut.placeholder]
        start = cut.end
    parts.append(whole[start:end])
    return "".join(part for part in parts if any(char.isalnum() for char in part))


def _places(words: Sequence[Word], text: str) -> list[tuple[int, int]]:
    """From which to which character of the text each word stands; both have the same letters and digits in order."""
    at = [place for place, char in enumerate(text) for _ in range(len(_letters(char)))]
    places: list[tuple[int, int]] = []
    done = 0
    for word in words:
        size = len(_letters(word.text))
        here = at[done] if done < len(at) else len(text)
        places.append((here, at[done + size - 1] + 1 if size else here))
        done += size
    return places


def _owners(places: Sequence[tuple[int, int]], cuts: Sequence[Cut]) -> Iterator[int | None]:
    """Which cut each word is of; one without a letter is of the cut of its place.

    Of several cuts in a word it is the first one's, and so is a word into which one of them reaches.
    """
    number = 0
    owner: int | None = None
    done = 0
    for start, end in places:
        while number < len(cuts) and cuts[number].end <= start:
            number += 1
        is_cut = number < len(cuts) and cuts[number].start < max(end, start + 1)
        goes_on = is_cut and owner is not None and cuts[number].start < done
        owner = (owner if goes_on else number) if is_cut else None
        done = end
        yield owner


def _estimates(segment: Segment, cuts: Sequence[Cut]) -> Iterator[MaskedSpan]:
    length_ms = segment.end_ms - segment.start_ms
    said = [0.0, *accumulate(_weight(char) for char in segment.text)]
    ms = length_ms / max(said[-1], 1e-9)
    margin = max(ESTIMATE_MARGIN_MS, round(length_ms * ESTIMATE_MARGIN_SHARE))
    for cut in cuts:
        start_ms = segment.start_ms + int(said[cut.start] * ms) - margin
        yield _span(segment, cut, start_ms, segment.start_ms + round(said[cut.end] * ms) + margin)


def _span(segment: Segment, cut: Cut, start_ms: int, end_ms: int) -> MaskedSpan:
    """Within the segment: beyond it, others may speak."""
    start = min(max(segment.start_ms, start_ms), segment.end_ms)
    return MaskedSpan(kind=cut.placeholder.kind, start_ms=start, end_ms=max(start, min(segment.end_ms, end_ms)))


def _weight(char: str) -> float:
    if char.isdecimal():
        return _WEIGHTS["digit"]
    if not char.isalnum():
        return _WEIGHTS["other"]
    return _WEIGHTS["han"] if char >= _HAN_FROM else _WEIGHTS["letter"]


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())
