"""Promises and next steps by the way they are said, without a model: "I will send …", "you will get it by Friday"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pipeline.extract.due import due_said
from pipeline.extract.findings import FoundFollowUp, evidence_of
from pipeline.extract.words import clause_ends, letters
from schemas.insight import FollowUpKind
from schemas.transcript import Segment

# Words of a clause after which a follow-up is said; recognised speech has no punctuation to end it.
_LONGEST: Final = 24


@dataclass(frozen=True, slots=True)
class _Forms:
    """How a language says that something will be done.

    ``own`` begins what the speaker takes on, ``others`` what another side or a colleague will do. ``deeds`` are the
    verbs of things that are done after a call; ``refused`` says that it will not be, or only may. A text without
    ``sign`` has none of them, which is quickly seen.
    """

    sign: re.Pattern[str]
    own: re.Pattern[str]
    others: re.Pattern[str]
    deeds: re.Pattern[str]
    refused: re.Pattern[str]


_ENGLISH: Final = _Forms(
    sign=re.compile(r"\bwill\b|['\u2019]ll\b|\bgoing to\b", re.IGNORECASE),
    own=re.compile(
        r"\b(?:i|we)(?:['\u2019]ll| will|['\u2019]m going to| am going to|['\u2019]re going to| are going to)\b",
        re.IGNORECASE,
    ),
    others=re.compile(
        r"\b(?:you|he|she|they|it|(?:a|an|our|my|the|your|that|this) [\w'-]+(?: [\w'-]+)?)(?:['\u2019]ll| will)\b",
        re.IGNORECASE,
    ),
    deeds=re.compile(
        r"\b(?:send|e-?mail|mail|post|text|call(?: \w+)? back|(?:call|ring|phone|contact|try) (?:you|them|him|her)"
        r"|get back to|come back to|follow up|refund|credit|transfer|put you through|forward|arrange|schedule|book"
        r"|order|ship|deliver|activate|cancel|file|open a ticket|look into|find out|check with|pay|let you know"
        r"|think about it)\b",
        re.IGNORECASE,
    ),
    refused=re.compile(r"^\s*(?:not|never|only if|maybe|probably|perhaps)\b", re.IGNORECASE),
)
_CHINESE: Final = _Forms(
    sign=re.compile("[我会将]"),
    own=re.compile(
        r"(?:我们|我)(?:马上|稍后|回头|尽快|来|(?:(?!昨|刚|已|想|要|不|没|可|能|的|之前)[\u4e00-\u9fff]){0,8}?"
        r"(?:会|将|再|给您|给你|帮您|帮你))"
    ),
    others=re.compile(
        r"(?:您|你|他们|她|他|同事|主管|专员|师傅|技术员)(?:那边)?(?:会|将)|[\u4e00-\u9fff]{1,8}?会(?=在)"
    ),
    deeds=re.compile(
        r"(?:发(?:给|送|到|一|短信|邮件)|寄|回电|回复|回访|打(?:给|电话)|联系|退(?:给|还|款|费|到)|转(?:给|接|交|达)"
        r"|安排|预约|登记|提交|开通|办理|核实|查(?:一下|清)|上门|通知|考虑|缴|付|申请)(?!了|过|好)"
    ),
    refused=re.compile(r"^\s*(?:不|没|未必|可能|也许)"),
)
_BY_LANGUAGE: Final[Mapping[str, _Forms]] = MappingProxyType({"en": _ENGLISH, "zh": _CHINESE})


def follow_ups_among(segments: Iterable[Segment], language: str) -> tuple[FoundFollowUp, ...]:
    """What somebody says will be done, in order, in its own words; in a language that is not known, nothing.

    A promise is a speaker's own future with a verb of things that are done after a call, or with words for when. A next
    step is somebody else's future with words for when. Neither counts with a "not" or a "maybe" after it.
    """
    forms = _BY_LANGUAGE.get(language.partition("-")[0])
    if forms is None:
        return ()
    return tuple(
        found for segment in segments if forms.sign.search(segment.text) for found in _in_segment(segment, forms)
    )


def _in_segment(segment: Segment, forms: _Forms) -> Iterator[FoundFollowUp]:
    for kind, begin, end in _clauses(segment.text, forms):
        said = segment.text[begin:end]
        due = due_said(said)
        if due is not None or (kind is FollowUpKind.PROMISE and forms.deeds.search(said)):
            yield FoundFollowUp(kind, said, evidence_of(segment, said), due)


def _clauses(text: str, forms: _Forms) -> Iterator[tuple[FollowUpKind, int, int]]:
    """From where such a form begins to where its clause or the next form does, or to so many words."""
    own = [(FollowUpKind.PROMISE, *match.span()) for match in forms.own.finditer(text)]
    others = [
        (FollowUpKind.NEXT_STEP, start, end)
        for start, end in (match.span() for match in forms.others.finditer(text))
        if all(end <= begin or verb <= start for _, begin, verb in own)
    ]
    marks = sorted([*own, *others], key=lambda mark: mark[1])
    ends = clause_ends(text)
    for place, (kind, begin, verb) in enumerate(marks):
        if forms.refused.search(text[verb:]):
            continue
        following = marks[place + 1][1] if place + 1 < len(marks) else len(text)
        end = min([mark for mark in ends if mark >= verb] + [following])
        if (last := _last_word(text, begin, end)) is not None:
            yield kind, begin, last


def _last_word(text: str, begin: int, end: int) -> int | None:
    """Where the clause's last word ends, or the last of the longest clause there is."""
    words: Sequence[int] = [begin + word.end for word in letters(text[begin:end])[:_LONGEST]]
    return words[-1] if words else None
