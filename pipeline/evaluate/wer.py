"""Word and character error rates of recognised against reference text.

Method: Levenshtein distance over words and characters (jiwer), after a normalisation of our own that is the same for
both sides, so that only what was heard counts and not how it is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.errors import Config


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts that can be added up: edits against the words and the characters of the reference."""

    word_edits: int = 0
    words: int = 0
    character_edits: int = 0
    characters: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.word_edits + other.word_edits,
            self.words + other.words,
            self.character_edits + other.character_edits,
            self.characters + other.characters,
        )

    @property
    def wer(self) -> float:
        """Edits for each word of the reference; words where there should be none count as one error each."""
        return _rate(self.word_edits, self.words)

    @property
    def cer(self) -> float:
        return _rate(self.character_edits, self.characters)


def normalise(text: str) -> tuple[str, ...]:
    """Words in lower case without punctuation; each Chinese character is a word.

    Apostrophes inside a word stay (``it's``), hyphens part words, numbers stay as they are written.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    spaced = "".join(_spaced(character) for character in plain)
    return tuple(word for word in (piece.strip("'") for piece in spaced.split()) if word)


def score(reference: str, hypothesis: str) -> Errors:
    """Errors of one text; characters are compared without the spaces between words.

    Raises:
        Config: the package jiwer is not installed.
    """
    words, heard = normalise(reference), normalise(hypothesis)
    return Errors(
        word_edits=_edits(words, heard),
        words=len(words),
        character_edits=_edits("".join(words), "".join(heard)),
        characters=len("".join(words)),
    )


def total(errors: Iterable[Errors]) -> Errors:
    """All errors of a set of texts: long texts weigh more than short ones."""
    return sum(errors, Errors())


def _rate(edits: int, length: int) -> float:
    return edits / length if length else float(edits)


def _edits(reference: Sequence[str], hypothesis: Sequence[str]) -> int:
    if not reference or not hypothesis:
        return len(reference) + len(hypothesis)
    try:
        import jiwer
    except ImportError as error:
        raise Config(
            "jiwer", "the package that counts word errors is not installed", hint="pip install 'convmine[eval]'"
        ) from error
    # jiwer splits at blanks: one word for each element, whatever it is made of.
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return int(found.substitutions + found.deletions + found.insertions)


def _spaced(character: str) -> str:
    if _is_han(character):
        return f" {character} "
    if character.isalnum() or character == "'" or unicodedata.category(character) == "Mn":
        return character
    return " "


def _is_han(character: str) -> bool:
    return "CJK UNIFIED" in unicodedata.name(character, "") or character == "\N{IDEOGRAPHIC NUMBER ZERO}"
