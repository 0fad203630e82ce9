"""Whether one text says of something that it is not so, or not to be done, and another one the contrary."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pipeline.extract.words import is_han, letters, spelled_out
from pipeline.suggest.already_said import words_of

_ENGLISH: Final = frozenset(
    (
        *("no", "not", "never", "none", "nothing", "nobody", "neither", "nor", "without", "cannot", "hardly", "unable"),
        *("avoid", "refrain", "unless", "except", "stop", "skip", "ignore", "refuse", "instead", "forget", "rather"),
    )
)
# Letters that deny, but not where they are a part of a word that does not; 能不能 asks.
_CHINESE: Final = re.compile(
    r"(?<![特区分级性差个类鉴])别(?![的人处名])|不(?![同错但仅过断论管少久])|没|无(?![限论])|勿|未(?!来)|避免|禁止|拒绝|停止|除非|切忌"
)
_ASKS: Final = re.compile(r"([\u4e00-\u9fff])[不没]\1")
CLAUSES: Final = re.compile(
    r"[,;:.!?\u2026\u3001\u3002\uff01\uff0c\uff1a\uff1b\uff1f]+(?=\s|$|[\u4e00-\u9fff])|\n|\bbut\b|但|而是"
)


class _Said(NamedTuple):
    """The content words of a text: those that are denied somewhere, and those that are said plainly somewhere."""

    denied: frozenset[str]
    plain: frozenset[str]


def flips(text: str, sources: str) -> bool:
    """Whether the text denies what the sources only say plainly, or says plainly what they only deny.

    What is denied reaches from the word that denies to the end of its clause. A word that the sources do not have is
    not judged here.
    """
    said, known = _said(text), _said(sources)
    turned_on = said.plain & (known.denied - known.plain)
    turned_off = said.denied & (known.plain - known.denied)
    return bool(turned_on or turned_off)


def _said(text: str) -> _Said:
    denied: set[str] = set()
    plain: set[str] = set()
    for clause in filter(None, (part.strip() for part in CLAUSES.split(_ASKS.sub(" ", text)) if part)):
        start = _start_of_denial(clause)
        plain |= _words(clause[:start])
        denied |= _words(clause[start:])
    return _Said(frozenset(denied), frozenset(plain))


def _start_of_denial(clause: str) -> int:
    """Where what denies begins; the clause's end where nothing does."""
    starts = [
        word.start for word in letters(clause) if not is_han(word.text) and _ENGLISH & {*spelled_out(word.text).split()}
    ]
    if (found := _CHINESE.search(clause)) is not None:
        starts.append(found.start())
    return min(starts, default=len(clause))


def _words(text: str) -> frozenset[str]:
    return words_of(text) - _ENGLISH
