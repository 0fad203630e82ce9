"""Whether a version of a prompt may take the place of another: what its back-test says against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.backtest.result import Backtest, VersionResult
from pipeline.release.standing import Version

_ROUNDING: Final = 1e-9
"""A difference of two figures that were 0.02 apart may come out a little larger."""


def why_not(candidate: Version, other: Version, backtests: Sequence[Backtest], margin: float) -> str | None:
    """What speaks against running the candidate instead of the other version; None: nothing does.

    The newest back-test of these two contents counts, whichever of them was called A in it.

    Args:
        candidate: what is to run.
        other: what it takes the place of.
        backtests: of their prompt, in any order.
        margin: by how much the F1 of any field, and the share of valid answers, may be lower (0 to 1).
    """
    about = [(one, sides) for one in backtests if (sides := _sides(one, candidate.digest, other.digest))]
    if not about:
        return _untested(candidate, other, backtests)
    backtest, (new, old) = max(about, key=lambda found: found[0].finished_at)
    known = [f"F1 of {name} {lost}" for name, lost in _losses(new, old, margin)]
    if lost := _lost(new.valid, old.valid, margin):
        known.append(f"valid answers {lost}")
    if known:
        return f"{candidate.label} back-tested worse than {other.label}: {'; '.join(known)}; {margin:g} is allowed"
    if not any(field.f1 is not None for field in old.fields):
        return f"the back-test of {candidate.label} on {backtest.on} measured no field: its calls have no labels"
    return None


def _sides(backtest: Backtest, candidate: str, other: str) -> tuple[VersionResult, VersionResult] | None:
    """The results of the candidate and of the other one, by their digests."""
    sides = {backtest.a.digest: backtest.a, backtest.b.digest: backtest.b}
    return (sides[candidate], sides[other]) if sides.keys() == {candidate, other} else None


def _untested(candidate: Version, other: Version, backtests: Sequence[Backtest]) -> str:
    labels = {candidate.label, other.label}
    if any({one.a.label, one.b.label} == labels for one in backtests):
        return f"{candidate.label} or {other.label} was changed since they were back-tested"
    return f"{candidate.label} has not been back-tested against {other.label}"


def _losses(new: VersionResult, old: VersionResult, margin: float) -> Iterator[tuple[str, str]]:
    """The fields that are worse by more than the margin, each with how much, worst first.

    A field that one found and the other did not even try counts as not found at all.
    """
    found = {field.field: field.f1 or 0.0 for field in new.fields}
    before = {field.field: field.f1 for field in old.fields if field.f1 is not None}
    for name in sorted(before, key=lambda name: (found.get(name, 0.0) - before[name], name)):
        if lost := _lost(found.get(name, 0.0), before[name], margin):
            yield name, lost


def _lost(new: float, old: float, margin: float) -> str | None:
    worse_by = old - new
    return f"{new:.3f} instead of {old:.3f} ({worse_by:.3f} less)" if worse_by > margin + _ROUNDING else None
