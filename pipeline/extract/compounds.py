"""Labels that are made of other labels, as ``orderdrink<div>ordersalad``: few texts have them, many their parts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

# The marks under which sets of intents are written in one field: MultiDoGO's <div>, ATIS's + and #, and plain lists.
_MARK: Final = re.compile(r"<\w+>|[+#|;,&]")
# A compound is taught by as many texts as a label of few-shot sets has.
_ENOUGH: Final = 8


def joined_texts(texts: Sequence[str], labels: Sequence[str]) -> list[tuple[str, str]]:
    """Texts for the compounds that have fewer than 8 of their own: one of each part, put together in any order.

    A label is a compound if it falls apart, at one of the usual marks, into labels of other texts. The same texts give
    the same ones again.
    """
    by_label: dict[str, list[str]] = defaultdict(list)
    for text, label in zip(texts, labels, strict=True):
        by_label[label].append(text)
    choose = np.random.default_rng(0)
    made = []
    for label in sorted(by_label):
        if parts := _parts(label, by_label):
            for _ in range(_ENOUGH - len(by_label[label])):
                chosen = [by_label[part][choose.integers(len(by_label[part]))] for part in choose.permutation(parts)]
                made.append((" ".join(chosen), label))
    return made


def _parts(label: str, known: Mapping[str, object]) -> list[str]:
    parts = [part.strip() for part in _MARK.split(label)]
    return parts if len(parts) > 1 and all(part in known for part in parts) else []
