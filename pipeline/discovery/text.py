"""An utterance as clusters are made of it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.discovery.pleasantries import matter
from pipeline.questions.differences.phrases import words_of

Terms = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """What was said, what of it matters in lower case, and the terms of that without numbers."""

    said: str
    matter: str
    terms: Terms

    @classmethod
    def of(cls, said: str) -> Text:
        """The text of an utterance; Chinese is cut by jieba."""
        rest = matter(said).casefold()
        return cls(said, rest, tuple(token.term for token in words_of(rest) if not token.term.isdigit()))
