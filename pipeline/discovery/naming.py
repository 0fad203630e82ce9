"""A name for each cluster of its own words: two to four that the others hardly have, in the order of speech."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from pipeline.discovery.content_words import content_words
from pipeline.discovery.text import Text
from pipeline.questions.differences.phrases import as_said

NO_WORDS: Final = "no words"
"""Of utterances without any."""
_USUAL: Final = 3
_MOST: Final = 4
_FEWEST: Final = 2
_OFTEN: Final = 0.25
"""Of a cluster's texts, a word of its name stands in so many, if there are such words."""
_READ: Final = 50
"""Of a cluster's texts, to see how a word is written and which word comes first."""


def names_of(clusters: Sequence[Sequence[Text]]) -> list[str]:
    """A name for each, no two of them the same; ``clusters`` hold their texts, the most typical first."""
    held = [_counts(texts) for texts in clusters]
    everywhere = sum(held, Counter[str]())
    usual = sum(everywhere.values()) / max(1, len(clusters))
    taken: set[str] = set()
    names = []
    for texts, words in zip(clusters, held, strict=True):
        name = _unique(_candidates(texts, _ranked(words, everywhere, usual), words), taken)
        taken.add(name)
        names.append(name)
    return names


def _counts(texts: Sequence[Text]) -> Counter[str]:
    """In how many texts each word is."""
    return Counter(word for text in texts for word in set(content_words(text.terms)))


def _ranked(words: Mapping[str, int], everywhere: Mapping[str, int], usual: float) -> list[str]:
    """Class-based tf-idf, highest first.

    Source: Grootendorst, "BERTopic: Neural topic modeling with a class-based TF-IDF procedure", 2022, equation 1.
    """
    return sorted(words, key=lambda word: (-words[word] * math.log(1 + usual / everywhere[word]), word))


def _candidates(texts: Sequence[Text], ranked: Sequence[str], words: Mapping[str, int]) -> Iterator[str]:
    """Names from best to longest."""
    if not ranked:
        yield _shortened(texts[0].said) if any(text.terms for text in texts) else NO_WORDS
        return
    often = [word for word in ranked if words[word] >= _OFTEN * len(texts)][:_USUAL]
    chosen = [*often, *(word for word in ranked if word not in often)]
    for size in range(max(_FEWEST, len(often)), _MOST + 1):
        yield _phrase(texts[:_READ], chosen[:size])


def _phrase(texts: Sequence[Text], words: Sequence[str]) -> str:
    """The words as they are written most often, in the order in which they mostly come."""
    chosen = list(dict.fromkeys(words))
    places: dict[str, list[float]] = {word: [] for word in chosen}
    for text in texts:
        there = [word for word in dict.fromkeys(text.terms) if word in places]
        for place, word in enumerate(there):
            places[word].append(place / len(there))
    chosen.sort(key=lambda word: sum(places[word]) / max(1, len(places[word])))
    written = [_written(texts, word) for word in chosen]
    return ("" if all(_is_chinese(word) for word in written) else " ").join(written)


def _written(texts: Sequence[Text], word: str) -> str:
    forms = Counter(
        form for text in texts if word in text.terms and (form := as_said((word,), text.matter)) is not None
    )
    return min(forms, key=lambda form: (-forms[form], form)) if forms else word


def _is_chinese(word: str) -> bool:
    return all("\u3400" <= letter <= "\u9fff" for letter in word)


def _shortened(said: str) -> str:
    """The first words of an utterance that has function words only."""
    return " ".join(said.casefold().split()[:_MOST])


def _unique(candidates: Iterable[str], taken: set[str]) -> str:
    name = ""
    for name in candidates:
        if name not in taken:
            return name
    return next(longer for number in count(2) if (longer := f"{name} ({number})") not in taken)
