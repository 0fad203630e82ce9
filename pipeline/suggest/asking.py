"""What a customer asks: questions as they are written, and as a recogniser writes them, without a question mark."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pipeline.extract.words import is_han
from pipeline.scenarios.model import Edition, IntentDefinition
from schemas.insight import Evidence, IntentExtracted
from schemas.wire import Role

_SENTENCES: Final = re.compile(r"[^.!?;\u3002\uff01\uff1f\uff1b\n]+(?:[.!?;\u3002\uff01\uff1f\uff1b\n]+|$)")
_MARKED: Final = re.compile(r"[?\uff1f]\s*$")
# What people say before they come to the point.
_LEAD: Final = (
    r"(?:(?:so|and|but|or|ok|okay|well|um|uh|yeah|yes|no|right|alright|hi|hello|hey|sorry|please|now|then|actually|also"
    r"|because|oh|just|thanks|thank you|excuse me|by the way)\b[ ,]*)*"
)
# "When I called" and "what the man said" begin a statement: after a question word comes a verb, or what is asked for.
_WHAT: Final = (
    r"(?:what|which|who|whose|why|where|when|how)(?:'s|'re)?\b"
    r"(?! (?:i|we|you|they|he|she|it|my|our|your|their|this|that|the|a|an|ever)\b)"
)
_SUBJECT: Final = (
    r"(?:i|you|we|they|he|she|it|there|this|that|these|those|my|your|our|the|any|anyone|anybody|someone|somebody)"
)
_TURNED: Final = (
    r"(?:is|are|was|were|am|do|does|did|can|could|will|would|should|shall|may|have|has"
    rf"|isn't|aren't|don't|doesn't|didn't|can't|couldn't|won't|wouldn't|haven't|hasn't) {_SUBJECT}\b"
)
_WITHIN: Final = (
    r"\b(?:like to know|want to know|need to know|wondering|tell me|you know|any idea|ask|ask you|not sure)"
    r" (?:if|whether|about|what|which|who|why|where|when|how)\b"
)
_ENGLISH: Final = re.compile(rf"^{_LEAD}(?:{_WHAT}|{_TURNED})|{_WITHIN}", re.IGNORECASE)
_CHINESE: Final = re.compile(
    r"[吗嘛]\s*[\u3002\uff1f?]?$|呢\s*[\uff1f?]?$|什么(?!都|也)|怎么(?!都|也)|怎样|如何|为何|多少"
    r"|多久|多长|多大|何时|是否|哪|谁|几[个天月年号点块元次折兆台口条张种位Gg]|([\u4e00-\u9fff])[不没]\1"
)
_LEAST_WORDS: Final = 3
_LEAST_LETTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and where it was asked."""

    text: str
    evidence: Evidence


def asked_in(heard: IntentExtracted, edition: Edition) -> Asked | None:
    """The customer's last question in the newest words; else the words of an intent that asks; else None."""
    for segment in sorted(heard.segments, key=lambda one: -one.start_ms):
        if segment.role is Role.CUSTOMER and (question := question_in(segment.text)) is not None:
            said = Evidence(
                segment_id=segment.segment_id,
                role=segment.role,
                start_ms=segment.start_ms,
                end_ms=segment.end_ms,
                quote=question,
            )
            return Asked(question, said)
    asking = {intent.name for intent in edition.taxonomy.intents if asks(intent)}
    quotes = [
        evidence
        for intent in heard.intents
        if intent.role is Role.CUSTOMER and intent.name in asking
        for evidence in intent.evidence
    ]
    if not quotes:
        return None
    last = max(quotes, key=lambda one: (one.start_ms, one.end_ms))
    return Asked(last.quote, last)


def question_in(text: str) -> str | None:
    """The last sentence that asks something, as it stands in the text, or None.

    A sentence asks where a question mark ends it, or where it is built as a question: a question word or a verb before
    its subject at the beginning, "I want to know if" within; in Chinese a particle at the end, a question word, or a
    verb with its negation. A tag such as "right?" asks nothing.
    """
    found = [one[0].strip() for one in _SENTENCES.finditer(text)]
    return next((one for one in reversed(found) if _is_question(one)), None)


@lru_cache(maxsize=1_024)
def asks(intent: IntentDefinition) -> bool:
    """Whether who has this intent asks something: half of its examples, or more, are questions."""
    return 2 * sum(question_in(example) is not None for example in intent.examples) >= len(intent.examples)


def _is_question(sentence: str) -> bool:
    letters = [letter for letter in sentence if is_han(letter)]
    if 2 * len(letters) >= len(sentence.replace(" ", "")):
        return len(letters) >= _LEAST_LETTERS and (
            _MARKED.search(sentence) is not None or _CHINESE.search(sentence) is not None
        )
    if len(sentence.split()) < _LEAST_WORDS:
        return False
    return _MARKED.search(sentence) is not None or _ENGLISH.search(sentence.replace("\u2019", "'")) is not None
