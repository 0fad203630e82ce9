"""Two sets of calls beside each other: of each thing its share in both, with how sure the difference is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from pipeline.questions.differences.statistics import SURE, Difference, benjamini_hochberg, difference

What = Literal["won", "intent", "objection", "topic", "handling", "phrase"]
"""What a share is of.

``won``: calls that were won, of those won or lost. ``handling``: calls in which every objection on the topic was
answered, of those that had one.
"""


@dataclass(frozen=True, slots=True)
class Share:
    """So many calls of how many; None of none."""

    calls: int
    of: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a call, and when they were said in it."""

    call_id: str
    role: str
    start_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Counted:
    """In how many calls of each of two sets something is; ``role`` is whose it is, where it is one side's."""

    what: What
    name: str
    a: Share
    b: Share
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Contrast:
    """The same, compared: a less b; nothing to compare with is None.

    ``adjusted_p`` counts in how many things were looked at (Benjamini and Hochberg), ``is_sure`` says that it is below
    0.05.
    """

    what: What
    name: str
    role: str | None
    a: Share
    b: Share
    difference: Difference | None = None
    adjusted_p: float | None = None
    is_sure: bool = False
    example: Quote | None = None

    @property
    def points(self) -> float:
        """How much more a has of it (-1 to 1); 0 where there is nothing to compare with."""
        return self.difference.points if self.difference else 0.0


def share(calls: int, of: int) -> Share:
    """So many calls of how many."""
    return Share(calls, of, calls / of if of else None)


def side_by_side(
    what: What, a: Mapping[str, int], b: Mapping[str, int], of: tuple[int, int], roles: Mapping[str, str] | None = None
) -> list[Counted]:
    """Each name that stands in one of the two, of so many calls on each side."""
    names = dict.fromkeys((*a, *b))
    return [
        Counted(what, name, share(a.get(name, 0), of[0]), share(b.get(name, 0), of[1]), (roles or {}).get(name))
        for name in names
    ]


def contrasted(counted: Iterable[Counted]) -> list[Contrast]:
    """All of them adjusted together; the strongest first, by the least that it may be.

    Of those that are as strong as each other the order stays.
    """
    rows = list(counted)
    able = [one for one in rows if one.a.of and one.b.of]
    found = [difference(one.a.calls, one.a.of, one.b.calls, one.b.of) for one in able]
    adjusted = benjamini_hochberg([one.p for one in found])
    contrasts = [
        Contrast(one.what, one.name, one.role, one.a, one.b, apart, p, p < SURE)
        for one, apart, p in zip(able, found, adjusted, strict=True)
    ]
    alone = [Contrast(one.what, one.name, one.role, one.a, one.b) for one in rows if not (one.a.of and one.b.of)]
    return [*sorted(contrasts, key=_order), *alone]


def _order(contrast: Contrast) -> tuple[bool, float]:
    assert contrast.difference is not None
    return not contrast.is_sure, -contrast.difference.strength
