"""Words that are likely in a desk's calls, out of its scenario, and how they become the prompt of a speech model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from pipeline.scenarios.model import Edition, Scenario

Vocabulary = Callable[[str | None, str | None], tuple[str, ...]]
"""Words that are likely in a call of this scenario and language, either of which may be unknown."""

MAX_TERMS: Final = 60
_LONGEST_LABEL: Final = 30  # characters; a longer beginning of a line is a sentence
# Digits, classes and open repetitions: a pattern with one describes amounts, dates or numbers, and lists no names.
_OPEN: Final = re.compile(r"\\d|\[|[+*]|\{")
_LABEL: Final = re.compile(r"^(?:[-*] +([^|:\uff1a。]+?)\s*[:\uff1a]|\|\s*([^|]+?)\s*\|)", re.MULTILINE)
_TABLE_HEAD: Final = re.compile(r"^\|.*\n(?=\|[ :-]+\|)", re.MULTILINE)
_LETTER: Final = re.compile(r"[^\W\d_]")


def vocabulary_of(scenario: Scenario, language: str | None = None) -> tuple[str, ...]:
    """The names of a scenario in the edition of a language, at most 60: of products and other companies, then labels.

    Names are what the entities that list names find in the edition's examples, cards and knowledge; an entity that has
    an open pattern (of amounts or dates) lists none. Labels are what the lists and tables of the knowledge begin with.
    Of both the longest come first. A language that the scenario does not speak has none, and neither has an unknown one
    where the scenario speaks several: a prompt in another language does more harm than none.
    """
    edition = _edition(scenario, language)
    if edition is None:
        return ()
    names = _longest_first(_names(edition))
    known = {name.casefold() for name in names}
    labels = _longest_first(_labels(edition))
    return (*names, *(label for label in labels if label.casefold() not in known))[:MAX_TERMS]


def prompt_of(vocabulary: Sequence[str], fits: Callable[[str], bool]) -> str | None:
    """As many of the terms, from the first on, as fit into a prompt; None where that is none.

    It ends in a full stop, because a model goes on in the style of its prompt.
    """
    prompt = None
    for count in range(1, len(vocabulary) + 1):
        longer = ", ".join(vocabulary[:count]) + "."
        if not fits(longer):
            break
        prompt = longer
    return prompt


def _edition(scenario: Scenario, language: str | None) -> Edition | None:
    if language is None:
        return next(iter(scenario.editions.values())) if len(scenario.editions) == 1 else None
    edition = scenario.edition(language)
    return edition if edition.language.partition("-")[0] == language.partition("-")[0] else None


def _names(edition: Edition) -> Iterator[str]:
    texts = tuple(_texts(edition))
    for entity in edition.taxonomy.entities:
        if not any(_OPEN.search(pattern) for pattern in entity.patterns):
            for pattern in entity.patterns:
                finder = re.compile(pattern, re.IGNORECASE)
                yield from (found.group().strip() for text in texts for found in finder.finditer(text))


def _texts(edition: Edition) -> Iterator[str]:
    yield from (document.text for document in edition.knowledge)
    yield from (card.text for card in edition.playbook.cards)
    for intent in edition.taxonomy.intents:
        yield from intent.examples


def _labels(edition: Edition) -> Iterator[str]:
    for document in edition.knowledge:
        for found in _LABEL.finditer(_TABLE_HEAD.sub("", document.text)):
            label = str(found.group(1) or found.group(2))
            if len(label) <= _LONGEST_LABEL and _LETTER.search(label):
                yield label


def _longest_first(terms: Iterable[str]) -> list[str]:
    """Each term once, whatever its case, as it was written first."""
    spelled: dict[str, str] = {}
    for term in terms:
        spelled.setdefault(term.casefold(), term)
    return sorted(spelled.values(), key=lambda term: (-len(term), term))
