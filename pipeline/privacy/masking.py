"""Personal numbers and e-mail addresses in a conversation, written or spoken, give way to typed placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from pipeline.privacy.checks import regions_of
from pipeline.privacy.context import context_of
from pipeline.privacy.digits import holds_digits, runs
from pipeline.privacy.emails import emails, holds_address
from pipeline.privacy.judging import Judge, Verdict
from pipeline.privacy.letters import mixed
from pipeline.privacy.lexicon import MISHEARD
from pipeline.privacy.placeholders import Cut, Found, Placeholder
from pipeline.privacy.tokens import Kind, Token, plain, streams
from pipeline.privacy.word_times import is_told_by_words, spoken_text, with_times
from schemas.transcript import Segment

Mask = Callable[[Sequence[Segment], str | None], tuple[Segment, ...]]
"""What ``mask`` is, for those who are given one."""

_CARD_REACH_SEGMENTS: Final = 2
_PLUS: Final = frozenset({"plus", "加"})


def mask(segments: Sequence[Segment], language: str | None) -> tuple[Segment, ...]:
    """Replace personal numbers and e-mail addresses; the segments keep their order, ids and times.

    - ``[CARD]``: 13 to 19 digits with a valid check digit (ISO/IEC 7812, Luhn); ``[ID]``: identity, passport, licence
      and insurance numbers; ``[BANK]``: IBAN and what is said to be of a bank; ``[PHONE]`` and ``[NUMBER]``: other
      runs of 7 digits and more, of 5 where a reference was asked for; ``[CODE]``: 3 to 6 digits soon after somebody
      spoke of a security code, a PIN or the like, or after a card number; ``[EMAIL]``.
    - Digits count as written, as full-width digits and as words of English and Mandarin, with ``double seven``,
      ``forty one eleven`` and 三个八, and with letters among them. Both are read in every language, since a wrong
      language must not let a number through; ``language`` (BCP 47, None if unknown) decides whose misheard words
      (``for``, 腰) are believed, and where a telephone may be.
    - A number may go on in the speaker's next segment; each segment then has the placeholder.
    - Numbers next to a currency or a unit, spoken amounts, dates, times, years and shorter numbers stay.
    - ``words`` have the placeholder with the joint time of the words that it covers, and ``masked`` the times that
      nobody may hear; what is masked already stays so.

    The time taken is linear in the length of the text.
    """
    return masked_and_found(segments, language)[0]


def masked_and_found(
    segments: Sequence[Segment], language: str | None
) -> tuple[tuple[Segment, ...], tuple[Found, ...]]:
    """As ``mask``, and what was replaced, in order of the segments and of the places in them."""
    cuts = _cuts(segments, language)
    heard = _cuts_of_words(segments, language)
    masked = tuple(
        with_times(segment, _replaced(segment.text, cuts.get(index, ())), cuts.get(index, ()), heard.get(index))
        for index, segment in enumerate(segments)
    )
    return masked, tuple(one for index in sorted(cuts) for one in _found(segments[index], cuts[index]))


def _cuts_of_words(segments: Sequence[Segment], language: str | None) -> Mapping[int, Sequence[Cut]]:
    """The cuts of those segments whose words are others than those of their text, in the text that the words make."""
    odd = [index for index, segment in enumerate(segments) if not is_told_by_words(segment)]
    if not odd:
        return {}
    said = list(segments)
    for index in odd:
        said[index] = said[index].model_copy(update={"text": spoken_text(said[index])})
    cuts = _cuts(said, language)
    return {index: cuts.get(index, ()) for index in odd}


def _cuts(segments: Sequence[Segment], language: str | None) -> Mapping[int, Sequence[Cut]]:
    """What is to be replaced, by the segment's index; in order, none across another."""
    spoken = streams(segments)
    telling = [stream for stream in spoken if holds_digits(stream) or holds_address(stream)]
    if not telling:  # as most texts: what is around numbers need not be looked at
        return {}
    judge = Judge(context_of(segments, chain.from_iterable(spoken)), regions_of(language))
    found: dict[int, list[Cut]] = {}
    for stream in telling:
        for cut in _cuts_of_stream(stream, segments, judge, _misheard(language)):
            found.setdefault(cut.segment, []).append(cut)
    return {index: list(_apart(cuts)) for index, cuts in found.items()}


def _cuts_of_stream(
    stream: list[Token], segments: Sequence[Segment], judge: Judge, misheard: Mapping[str, str]
) -> Iterator[Cut]:
    addresses, cards = list(emails(stream)), _CardBefore()
    for first, after in addresses:
        yield from _cuts_at(stream[first:after], Placeholder.EMAIL)
    for part in _between(stream, addresses):
        codes = [verdict for found in mixed(part, segments) if (verdict := judge.mixed(found, part)) is not None]
        for verdict in codes:
            yield from _cuts_of(verdict, part, segments)
        for digits in _between(part, [(verdict.first, verdict.after) for verdict in codes]):
            cards.read(digits)
            for verdict in _verdicts(digits, judge, misheard, cards):
                yield from _cuts_of(verdict, digits, segments)


def _verdicts(tokens: list[Token], judge: Judge, misheard: Mapping[str, str], cards: _CardBefore) -> Iterator[Verdict]:
    """What the runs of digits are, each with regard to those before it."""
    last: tuple[int, Placeholder] | None = None
    for run in runs(tokens, misheard):
        first = tokens[run.pieces[0].first]
        beside = last[1] if last is not None and last[0] == first.segment else None
        for verdict in judge.run(run, tokens, after_card=cards.is_before(first), last=beside):
            end = tokens[verdict.after - 1]
            last = (end.segment, verdict.placeholder)
            if verdict.placeholder is Placeholder.CARD:
                cards.add(end)
            yield verdict


class _CardBefore:
    """Where a speaker gave a card number, and in which of the next segments a code of three digits belongs to it."""

    def __init__(self) -> None:
        self._order: dict[int, int] = {}
        self._ends: list[tuple[int, int]] = []

    def read(self, tokens: Iterable[Token]) -> None:
        """Note the order of the speaker's segments, and the cards that were masked before."""
        word = ""
        for token in tokens:
            self._order.setdefault(token.segment, len(self._order))
            if token.text == "]" and word == "card":
                self.add(token)
            word = token.text

    def add(self, token: Token) -> None:
        self._ends.append((self._order[token.segment], token.end))

    def is_before(self, token: Token) -> bool:
        place = self._order[token.segment]
        return any(
            place - _CARD_REACH_SEGMENTS <= card <= place and (card < place or end <= token.start)
            for card, end in self._ends[-3:]
        )


def _misheard(language: str | None) -> Mapping[str, str]:
    if language is None:
        return {word: digit for words in MISHEARD.values() for word, digit in words.items()}
    return MISHEARD.get(language.partition("-")[0].lower(), {})


def _between(stream: list[Token], taken: Iterable[tuple[int, int]]) -> Iterator[list[Token]]:
    """The parts of a stream that hold nothing that was taken."""
    start = 0
    for first, after in taken:
        yield stream[start:first]
        start = after
    yield stream[start:] if start else stream


def _cuts_of(verdict: Verdict, tokens: Sequence[Token], segments: Sequence[Segment]) -> Iterator[Cut]:
    """The cuts of a number, with what is written or said right at its edges and belongs to it."""
    first = verdict.first
    if verdict.placeholder is Placeholder.PHONE and first and tokens[first - 1].text in _PLUS:
        first -= 1
    for cut in _cuts_at(tokens[first : verdict.after], verdict.placeholder, may_keep=verdict.may_keep):
        text = segments[cut.segment].text
        yield Cut(
            cut.segment,
            _with_prefix(text, cut.start, cut.end),
            _with_suffix(text, cut.end),
            cut.placeholder,
            cut.may_keep,
        )


def _cuts_at(tokens: Iterable[Token], placeholder: Placeholder, *, may_keep: bool = True) -> Iterator[Cut]:
    """From where to where the tokens reach, in each segment that they are of."""
    spans: dict[int, tuple[int, int]] = {}
    for token in tokens:
        if token.kind is not Kind.PAUSE:
            start, _ = spans.get(token.segment, (token.start, 0))
            spans[token.segment] = (start, token.end)
    for segment, (start, end) in spans.items():
        yield Cut(segment, start, end, placeholder, may_keep)


def _with_prefix(text: str, start: int, end: int) -> int:
    """Take in the letters of ``C01234567``, the plus of ``+49…`` and the bracket of ``(415) …``."""
    if text[start].isdecimal():
        while start and text[start - 1].isascii() and text[start - 1].isalpha():
            start -= 1
    if plain(text[max(0, start - 1) : start]) == "(" and ")" in plain(text[start:end]):
        start -= 1
    return start - 1 if plain(text[max(0, start - 1) : start]) == "+" else start


def _with_suffix(text: str, end: int) -> int:
    """Take in the X that some identity numbers end with."""
    behind = plain(text[end + 1 : end + 2])
    is_check = plain(text[end : end + 1]) in {"x", "X"} and not (behind.isascii() and behind.isalnum())
    return end + 1 if is_check else end


def _apart(cuts: Iterable[Cut]) -> Iterator[Cut]:
    """In order of place; what two of them would take is the first one's."""
    done = 0
    for cut in sorted(cuts, key=lambda cut: (cut.start, -cut.end)):
        if cut.end > done:
            yield Cut(cut.segment, max(done, cut.start), cut.end, cut.placeholder, cut.may_keep)
            done = cut.end


def _replaced(text: str, cuts: Sequence[Cut]) -> str:
    parts, done = [], 0
    for cut in cuts:
        parts += [text[done : cut.start], cut.placeholder]
        done = cut.end
    return "".join([*parts, text[done:]])


def _found(segment: Segment, cuts: Sequence[Cut]) -> Iterator[Found]:
    grown = 0
    for cut in cuts:
        value = segment.text[cut.start : cut.end] if cut.may_keep else None
        yield Found(cut.placeholder.kind, segment.segment_id, cut.start, cut.end, cut.start + grown, value)
        grown += len(cut.placeholder) - (cut.end - cut.start)
