"""The questions in what somebody says, whether written with marks or recognised without; English and Chinese.

For counting what a knowledge base has no answer to, where one that is missed is lost and one too many is a row in a
table: it finds more than ``pipeline.suggest.asking``, whose questions are answered on an agent's screen.
"""

from __future__ import annotations

import re
from typing import Final

_SENTENCES: Final = re.compile(r"[^.!?\u3002\uff01\uff1f\n]+[.!?\u3002\uff01\uff1f]*")
_MARKS: Final = ("?", "\uff1f")
_ASKS: Final = (
    re.compile(
        r"^(?:(?:so|and|but|okay|ok|well|um|uh|yeah|yes|no|hi|hello|please|sorry|actually|also|then)[, ]+)*"
        r"(?:what|what's|whats|when|where|where's|who|whose|why|how|which|can|could|do|does|did|is|are|was|were|will|would"
        r"|should|may|have|has|am)\b(?!\s+(?:to|that's)\b)",
        re.IGNORECASE,
    ),
    re.compile(  # behind something else: "I have a new phone, how do I …"
        r"\b(?:what|how|where|when|why|which)\b(?:\s+\w+){0,3}?\s+(?:do|does|did|is|are|can|could|will|would|should)\s+"
        r"(?:i|you|we|they|it|that|this|the|my)\b"
        r"|(?:[,;]\s*|\b(?:and|but|so|or)\s+)(?:can|could|do|does|will|would|is|are)\s+(?:i|you|we|they|it|there)\b"
        r"|,\s*(?:what|how|where|when|why|which)\b",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:i\s+(?:was|am|'m)?\s*wonder(?:ing)?|i(?:'d|\s+would)\s+like\s+to\s+know|i\s+(?:want|need)\s+to\s+know|"
        r"(?:can|could)\s+you\s+tell\s+me|do\s+you\s+know|tell\s+me)\s+(?:if|whether|what|when|where|who|why|how|which|about)\b",
        re.IGNORECASE,
    ),
    re.compile(r"[吗呢么]\s*[,\uff0c]?$"),
    re.compile(
        r"多少|怎么|怎样|什么|哪[里个些种家天年只]|几[天年个号点折兆]|为何|为什么|是不是|能不能|可不可以|会不会|有没有|要不要|如何|多久|多长|请问"
    ),
)
_LONGEST: Final = 400
"""Characters of a question; more is a story, of which no search can tell what is asked."""


def questions_in(text: str) -> tuple[str, ...]:
    """The sentences of a text that ask something, in order.

    A sentence asks where it ends with a question mark, begins as an English question does, or has a Chinese question
    word. What is recognised without marks is one sentence a turn.
    """
    sentences = (" ".join(found.split()) for found in _SENTENCES.findall(text))
    return tuple(one for one in sentences if 0 < len(one) <= _LONGEST and _is_question(one))


def _is_question(sentence: str) -> bool:
    return sentence.endswith(_MARKS) or any(pattern.search(sentence.rstrip(".!\u3002\uff01")) for pattern in _ASKS)
