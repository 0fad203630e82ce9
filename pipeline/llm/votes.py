"""What a majority of several answers to one question says (self-consistency; Wang et al. 2022, arXiv 2203.11171)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

C = TypeVar("C")


def vote(answers: Sequence[Sequence[C]], key: Callable[[C], Hashable]) -> tuple[C, ...]:
    """The claims that more than half of the answers make, in the words and the order of the first that makes them.

    Args:
        answers: the claims of each answer; for a field that holds one value or none, a sequence of one or none.
        key: what two answers must agree in. Where one answer says it twice, the second counts as another claim.
    """
    votes = Counter(ballot for answer in answers for ballot, _ in _ballots(answer, key))
    kept = {ballot: claim for answer in reversed(answers) for ballot, claim in _ballots(answer, key)}
    order = dict.fromkeys(ballot for answer in answers for ballot, _ in _ballots(answer, key))
    return tuple(kept[ballot] for ballot in order if 2 * votes[ballot] > len(answers))


def _ballots(answer: Sequence[C], key: Callable[[C], Hashable]) -> Iterator[tuple[tuple[Hashable, int], C]]:
    """Each claim with its key and how often that came before."""
    seen = Counter[Hashable]()
    for claim in answer:
        yield (key(claim), seen[key(claim)]), claim
        seen[key(claim)] += 1
