"""A bounded sample of calls, and what was said in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from pipeline.ports import Where
from pipeline.questions.differences.contrasts import Contrast, Counted, Quote, contrasted, share
from pipeline.questions.differences.phrases import Phrase, as_said, phrases_of
from pipeline.questions.narrowing import Asking
from pipeline.store.calls import all_pages
from pipeline.store.collections import CALLS, UTTERANCES
from pipeline.store.filters import both

MOST_READ: Final = 250
"""Calls of a set whose words are read: some 15,000 utterances, which takes a second or two."""
_FEWEST: Final = 5
"""Calls that a phrase must be in to be looked at at all."""
_ONE_IN: Final = 50
"""Of the calls read, a phrase must be in one in so many."""
_QUOTES_READ: Final = 10
"""Of a phrase, to see how it is said most often."""
_PAGE: Final = 5_000
_SAID: Final = ("call_id", "role", "start_ms", "text")

Words = Mapping[str, Sequence[Quote]]
"""What was said in each call, in order of time."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Phrases that two sets of calls differ in, and how many were looked at."""

    contrasts: tuple[Contrast, ...]
    tested: int


async def sampled(asking: Asking, where: Where, most: int = MOST_READ) -> list[str]:
    """The ids of at most so many calls, always the same ones, and none of them likelier than others.

    They are taken in the order of their points' ids, which are hashes (``pipeline.ids.stable_id``).
    """
    hits, _ = await asking.store.page(CALLS, where, most, fields=["call_id"])
    return [hit.payload["call_id"] for hit in hits]


async def words_of(asking: Asking, call_ids: Iterable[str]) -> Words:
    """What was said in these calls."""
    ids = list(call_ids)
    said: dict[str, list[Quote]] = {call_id: [] for call_id in ids}
    if not ids:
        return said
    where = both(asking.asker.scope, Where(equal={"call_id": ids}))
    for hit in await all_pages(asking.store, UTTERANCES, where, size=_PAGE, fields=_SAID):
        one = hit.payload
        said[one["call_id"]].append(Quote(one["call_id"], one["role"], one["start_ms"], one["text"]))
    return {call_id: sorted(quotes, key=lambda quote: quote.start_ms) for call_id, quotes in said.items()}


def spoken(a: Words, b: Words, roles: Iterable[str], most: int) -> Spoken:
    """The phrases that differ, of each side's at most so many, strongest first; of those that are alike only one."""
    found = [pair for role in roles for pair in _of_role(a, b, role)]
    phrases = {(one.role, one.name): phrase for one, phrase in found}
    kept: list[tuple[Contrast, Phrase]] = []
    for contrast in contrasted(one for one, _ in found):
        phrase = phrases[contrast.role, contrast.name]
        before = [other for one, other in kept if one.role == contrast.role]
        if contrast.is_sure and len(before) < most and not any(map(phrase.is_like, before)):
            kept.append((contrast, phrase))
    calls = [*a.values(), *b.values()]
    return Spoken(tuple(_quoted(one, phrase, calls, len(a)) for one, phrase in kept), len(found))


def _of_role(a: Words, b: Words, role: str) -> list[tuple[Counted, Phrase]]:
    calls = [[quote.text for quote in quotes if quote.role == role] for quotes in (*a.values(), *b.values())]
    fewest = max(_FEWEST, len(calls) // _ONE_IN)
    found = []
    # Longer ones first, so that of two that the same calls have the longer is the one that is kept.
    for phrase in sorted(phrases_of(calls, fewest), key=lambda one: (-len(one.terms), one.terms)):
        in_a = sum(number < len(a) for number in phrase.calls)
        counted = Counted(
            "phrase", " ".join(phrase.terms), share(in_a, len(a)), share(len(phrase.calls) - in_a, len(b)), role
        )
        found.append((counted, phrase))
    return found


def _quoted(contrast: Contrast, phrase: Phrase, calls: Sequence[Sequence[Quote]], of_a: int) -> Contrast:
    """With the words as they are said most often, and an utterance that has them on the side that says them more."""
    of_side = range(of_a) if contrast.points > 0 else range(of_a, len(calls))
    quotes = (quote for number in sorted(phrase.calls) if number in of_side for quote in calls[number])
    said = (
        (words.casefold(), quote)
        for quote in quotes
        if quote.role == contrast.role and (words := as_said(phrase.terms, quote.text)) is not None
    )
    some = list(islice(said, _QUOTES_READ))
    ((usual, _),) = Counter(words for words, _ in some).most_common(1)
    example = next(quote for words, quote in some if words == usual)
    return replace(contrast, name=usual, example=example)
