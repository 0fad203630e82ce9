"""How far people agree: the share of equal verdicts, Cohen's kappa of each two, Krippendorff's alpha of all.

Cohen (1960), A coefficient of agreement for nominal scales; Krippendorff (2011), Computing Krippendorff's
alpha-reliability, for nominal data with values missing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, TypeVar

from pipeline.labels.label import Item, Label, LabelledField
from pipeline.labels.majority import last_words

T = TypeVar("T", bound=Hashable)

_TWO: Final = 2


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two people on the items that both judged; ``kappa`` is None where chance alone would make them agree."""

    a: str
    b: str
    items: int
    equal: float
    kappa: float | None


@dataclass(frozen=True, slots=True)
class FieldAgreement:
    """All people on one field.

    ``items`` is how many were judged by at least two; ``alpha`` is None where nobody ever said anything else.
    """

    field: LabelledField
    items: int
    people: tuple[str, ...]
    alpha: float | None
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An item of which people say different things; ``quote`` are the words that it stands on."""

    item: Item
    quote: str | None
    verdicts: Mapping[str, str]


def agreement(labels: Iterable[Label]) -> tuple[FieldAgreement, ...]:
    """Of each field in which two people judged the same item, in order of name.

    Args:
        labels: in order of time; of each person and item the last word counts. Who adds an item and who finds it right
            say the same.
    """
    by_field: dict[LabelledField, dict[Item, dict[str, bool]]] = defaultdict(lambda: defaultdict(dict))
    for word in last_words(labels):
        by_field[word.field][word.item][word.by] = word.is_true
    shared = {field: _judged_by_two(items.values()) for field, items in by_field.items()}
    return tuple(_of_field(field, shared[field]) for field in sorted(shared) if shared[field])


def disagreements(labels: Iterable[Label]) -> tuple[Disagreement, ...]:
    """The items of which people say different things, in order of call and field."""
    words: dict[Item, list[Label]] = defaultdict(list)
    for word in last_words(labels):
        words[word.item].append(word)
    divided = [said for said in words.values() if len({word.is_true for word in said}) > 1]
    found = [
        Disagreement(said[0].item, said[0].quote, {word.by: word.verdict.value for word in said}) for said in divided
    ]
    return tuple(sorted(found, key=lambda one: tuple(part or "" for part in one.item)))


def share_equal(said: Sequence[tuple[T, T]]) -> float:
    """The share of pairs of verdicts that are equal; there is at least one."""
    return sum(one == other for one, other in said) / len(said)


def kappa(said: Sequence[tuple[T, T]]) -> float | None:
    """Agreement of two beyond chance, -1 to 1 (Cohen 1960); None where chance alone would make them agree.

    Args:
        said: of each item what the one and the other say; at least one.
    """
    ones, others = (Counter(verdicts) for verdicts in zip(*said, strict=True))
    by_chance = sum(ones[verdict] * others[verdict] for verdict in ones)
    most = len(said) ** 2
    if by_chance == most:
        return None
    expected = by_chance / most
    return (share_equal(said) - expected) / (1 - expected)


def alpha(units: Iterable[Sequence[T]]) -> float | None:
    """Agreement of any number of people beyond chance, at most 1 (Krippendorff 2011, nominal data).

    Args:
        units: of each item what those say who judged it; an item that one alone judged does not count.

    Returns:
        None where no two different verdicts were given at all.
    """
    observed, totals = 0.0, Counter[T]()
    for unit in units:
        if len(unit) < _TWO:
            continue
        said = Counter(unit)
        differing = len(unit) ** 2 - sum(count**2 for count in said.values())
        observed += differing / (len(unit) - 1)
        totals += said
    n = totals.total()
    expected = n**2 - sum(count**2 for count in totals.values())
    return 1 - (n - 1) * observed / expected if expected else None


def _judged_by_two(items: Iterable[Mapping[str, bool]]) -> list[Mapping[str, bool]]:
    return [verdicts for verdicts in items if len(verdicts) >= _TWO]


def _of_field(field: LabelledField, items: Sequence[Mapping[str, bool]]) -> FieldAgreement:
    people = tuple(sorted({person for verdicts in items for person in verdicts}))
    pairs = [_pair(a, b, items) for a, b in combinations(people, 2)]
    return FieldAgreement(
        field=field,
        items=len(items),
        people=people,
        alpha=alpha([tuple(verdicts.values()) for verdicts in items]),
        pairs=tuple(pair for pair in pairs if pair is not None),
    )


def _pair(a: str, b: str, items: Iterable[Mapping[str, bool]]) -> PairAgreement | None:
    """None where they judged no item both."""
    said = [(verdicts[a], verdicts[b]) for verdicts in items if a in verdicts and b in verdicts]
    return PairAgreement(a, b, len(said), share_equal(said), kappa(said)) if said else None
