"""What people say of an item together: each person's last word counts once, and most words win."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from pipeline.labels.label import Item, Label


def last_words(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Of each person and item the last word.

    Args:
        labels: in order of time.
    """
    return tuple({(label.item, label.by): label for label in labels}.values())


def majority(labels: Iterable[Label]) -> Mapping[Item, bool | None]:
    """Whether each item that somebody judged is there; None where as many say so as not.

    Args:
        labels: in order of time.
    """
    votes: dict[Item, Counter[bool]] = defaultdict(Counter)
    for label in last_words(labels):
        votes[label.item][label.is_true] += 1
    return {item: None if said[True] == said[False] else said[True] > said[False] for item, said in votes.items()}
