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
class Edits:
    """What was heard instead of, beside and not of a reference, with the fewest edits that explain it."""

    substitutions: int = 0
    insertions: int = 0
    deletions: int = 0

    def __add__(self, other: Edits) -> Edits:
        return Edits(
            self.substitutions + other.substitutions,
            self.insertions + other.insertions,
            self.deletions + other.deletions,
        )

    @property
    def count(self) -> int:
        return self.substitutions + self.insertions + self.deletions


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts that can be added up: edits against the words and the characters of the reference."""

    of_words: Edits = Edits()
    words: int = 0
    of_characters: Edits = Edits()
    characters: int = 0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            self.of_words + other.of_words,
            self.words + other.words,
            self.of_characters + other.of_characters,
            self.characters + other.characters,
        )

    @property
    def wer(self) -> float:
        """Edits for each word of the reference; words where there should be none count as one error each."""
        return _rate(self.of_words.count, self.words)

    @property
    def cer(self) -> float:
        return _rate(self.of_characters.count, self.characters)


def normalise(text: str) -> tuple[str, ...]:
    """Words in lower case and of usual width (Unicode NFKC), without punctuation; each Chinese character is a word.

    Apostrophes inside a word stay (``it's``), hyphens part words. Numerals stay as they are written, in digits or in
    words, and so do traditional characters: an engine that writes them otherwise than the reference has them wrong.
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
        of_words=_edits(words, heard),
        words=len(words),
        of_characters=_edits("".join(words), "".join(heard)),
        characters=len("".join(words)),
    )


def total(errors: Iterable[Errors]) -> Errors:
    """All errors of a set of texts: long texts weigh more than short ones."""
    return sum(errors, Errors())


def _rate(edits: int, length: int) -> float:
    return edits / length if length else float(edits)


def _edits(reference: Sequence[str], hypothesis: Sequence[str]) -> Edits:
    if not reference or not hypothesis:
        return Edits(insertions=len(hypothesis), deletions=len(reference))
    try:
        import jiwer
    except ImportError as error:
        raise Config(
            "jiwer", "the package that counts word errors is not installed", hint="pip install 'convmine[eval]'"
        ) from error
    # jiwer splits at blanks: one word for each element, whatever it is made of.
    found = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    return Edits(int(found.substitutions), int(found.insertions), int(found.deletions))


def _spaced(character: str) -> str:
    if _is_han(character):
        return f" {character} "
    if character.isalnum() or character == "'" or unicodedata.category(character) == "Mn":
        return character
    return " "


def is_chinese(text: str) -> bool:
    """Whether most of what is not space and punctuation is Chinese characters, so that CER is what counts."""
    characters = "".join(normalise(text))
    return sum(map(_is_han, characters)) * 2 > len(characters)


def _is_han(character: str) -> bool:
    return "CJK UNIFIED" in unicodedata.name(character, "") or character == "\N{IDEOGRAPHIC NUMBER ZERO}"
