"""How sure shares, their differences and their slopes are; every interval is one of 95 %."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cbrt, cos, erfc, exp, log, pi, sin, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

SURE: Final = 0.05
"""A difference counts as one where its adjusted p is below this: the share of such findings that chance may make."""
_Z: Final = 1.959963984540054
"""The quantile of the normal distribution that leaves 2.5 % above."""
_ONE_IN_TEN: Final = 1.2815515655446004
"""The quantile that leaves 10 % above."""
_FEWEST_EXPECTED: Final = 5.0
"""In a cell, for the chi-square test. Source: Cochran, "Some methods for strengthening the common chi-square tests",
Biometrics 10 (1954).
"""
_ALIKE: Final = 1 + 1e-7
"""Two tables are as likely as each other up to this factor, which is that of rounding."""

Figures = npt.NDArray[np.float64]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Difference:
    """Two shares beside each other: ``points`` is a's share less b's (-1 to 1), ``p`` that of no difference."""

    points: float
    low: float
    high: float
    odds_ratio: float
    odds_low: float
    odds_high: float
    p: float

    @property
    def strength(self) -> float:
        """The least difference that the interval allows, whichever way it goes; below 0 where that is none."""
        return max(self.low, -self.high)


@dataclass(frozen=True, slots=True)
class Slope:
    """How much a share changes a period: ``points`` (-1 to 1), ``p`` that of no change."""

    points: float
    low: float
    high: float
    p: float

    @property
    def strength(self) -> float:
        """The least change that the interval allows, whichever way it goes; below 0 where that is none."""
        return max(self.low, -self.high)


def wilson(successes: int, n: int) -> Interval:
    """The interval of a share; (0, 1) of none.

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return (0.0 if successes == 0 else middle - reach), (1.0 if successes == n else middle + reach)


def difference(a: int, n_a: int, b: int, n_b: int) -> Difference:
    """Of ``a`` out of ``n_a`` and ``b`` out of ``n_b``, of both at least one."""
    low, high = _difference_interval(a, n_a, b, n_b)
    ratio, odds_low, odds_high = _odds_ratio(a, n_a, b, n_b)
    return Difference(a / n_a - b / n_b, low, high, ratio, odds_low, odds_high, p_of_no_difference(a, n_a, b, n_b))


def p_of_no_difference(a: int, n_a: int, b: int, n_b: int) -> float:
    """Pearson's chi-square where every cell is expected to have 5 or more, else Fisher's exact test, two-sided.

    Source of Fisher's two sides (tables that are no likelier than the one seen): Agresti, "Categorical Data Analysis",
    3rd edition, 3.5.3.
    """
    n, with_it = n_a + n_b, a + b
    if with_it in {0, n} or not n_a or not n_b:
        return 1.0
    if min(n_a, n_b) * min(with_it, n - with_it) / n < _FEWEST_EXPECTED:
        return _fisher(a, n_a, with_it, n)
    chi_square = n * (a * (n_b - b) - b * (n_a - a)) ** 2 / (n_a * n_b * with_it * (n - with_it))
    return erfc(sqrt(chi_square / 2))


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Each p adjusted for how many were looked at: of those below 0.05, about 5 % are chance at most.

    Source: Benjamini and Hochberg, "Controlling the false discovery rate", JRSS B 57 (1995).
    """
    count = len(p)
    order = np.argsort(p)[::-1]
    stepped = np.asarray(p, dtype=np.float64)[order] * count / np.arange(count, 0, -1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(np.minimum.accumulate(stepped), 1.0)
    return [float(one) for one in adjusted]


def slope(successes: Sequence[int], totals: Sequence[int], at: Sequence[int]) -> Slope | None:
    """The trend of a share over periods at the places ``at``; those without calls count for nothing.

    The test of Cochran and Armitage (Armitage, "Tests for linear trends in proportions and frequencies", Biometrics 11,
    1955). Where shares scatter about their line more than chance would make them in one case of ten, as calls of a day
    hang together, the variance is widened by Pearson's estimate, and Student's t takes the place of the normal
    distribution (Finney, "Probit Analysis", 3rd edition, 4.6, on heterogeneity).

    Returns:
        None of fewer than three periods with calls, and where all calls have it or none has.
    """
    n = np.asarray(totals, dtype=np.float64)
    seen = n > 0
    n, x, t = n[seen], np.asarray(successes, dtype=np.float64)[seen], np.asarray(at, dtype=np.float64)[seen]
    if len(n) < 3 or not 0 < x.sum() < n.sum():  # noqa: PLR2004 - two points are always on a line
        return None
    overall = x.sum() / n.sum()
    away = t - (n * t).sum() / n.sum()
    spread = float((n * away**2).sum())
    points = float((away * x).sum()) / spread
    degrees = len(n) - 2
    scatter = _scatter(x, n, overall + points * away)
    hangs_together = scatter > degrees and _is_beyond_chance(scatter, degrees)
    error = sqrt(overall * (1 - overall) * (scatter / degrees if hangs_together else 1.0) / spread)
    freedom = degrees if hangs_together else None
    reach = error * (_Z if freedom is None else _t_quantile(freedom))
    return Slope(points, points - reach, points + reach, two_sided(points / error, freedom))


def mean_difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float] | None:
    """The mean of ``a`` less that of ``b``, with its interval; None of fewer than two in one of them.

    Source: Welch, "The generalization of Student's problem", Biometrika 34 (1947); its degrees of freedom are rounded
    down.
    """
    one, other = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if min(len(one), len(other)) < 2:  # noqa: PLR2004 - a single value says nothing of how values scatter
        return None
    parts = [float(side.var(ddof=1)) / len(side) for side in (one, other)]
    apart = float(one.mean() - other.mean())
    if not (variance := sum(parts)):
        return apart, apart, apart
    weights = [part / variance for part in parts]  # not the variances themselves: the square of a tiny one is 0
    freedom = 1 / sum(weight**2 / (len(side) - 1) for weight, side in zip(weights, (one, other), strict=True))
    reach = sqrt(variance) * _t_quantile(max(1, int(freedom)))
    return apart, apart - reach, apart + reach


def two_sided(score: float, freedom: int | None = None) -> float:
    """The p of a standard normal score, or of Student's t with whole degrees of freedom.

    Source of the sums for t: Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.3 and 26.7.4.
    """
    if freedom is None:
        return erfc(abs(score) / sqrt(2))
    angle = atan(abs(score) / sqrt(freedom))
    is_odd = freedom % 2
    term = cos(angle) if is_odd else 1.0
    total = 0.0
    for k in range(is_odd, freedom - 1, 2):
        total += term
        term *= cos(angle) ** 2 * (k + 1) / (k + 2)
    inside = (angle + sin(angle) * total) * 2 / pi if is_odd else sin(angle) * total
    return min(1.0, max(0.0, 1.0 - inside))


def _difference_interval(a: int, n_a: int, b: int, n_b: int) -> Interval:
    """Source: Newcombe, "Interval estimation for the difference between independent proportions", method 10 (1998)."""
    share_a, share_b = a / n_a, b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(a, n_a), wilson(b, n_b)
    apart = share_a - share_b
    return (
        apart - sqrt((share_a - low_a) ** 2 + (high_b - share_b) ** 2),
        apart + sqrt((high_a - share_a) ** 2 + (share_b - low_b) ** 2),
    )


def _odds_ratio(a: int, n_a: int, b: int, n_b: int) -> tuple[float, float, float]:
    """With its interval; where a cell is empty, half a call is added to each.

    Sources: Woolf (1955) for the interval, Haldane (1956) and Anscombe (1956) for the half.
    """
    cells = [float(cell) for cell in (a, n_a - a, b, n_b - b)]
    if 0.0 in cells:
        cells = [cell + 0.5 for cell in cells]
    with_a, without_a, with_b, without_b = cells
    ratio = log(with_a * without_b / (without_a * with_b))
    reach = _Z * sqrt(sum(1 / cell for cell in cells))
    return exp(ratio), exp(ratio - reach), exp(ratio + reach)


def _fisher(a: int, n_a: int, with_it: int, n: int) -> float:
    fewest, most = max(0, with_it - (n - n_a)), min(n_a, with_it)
    counts = np.arange(fewest, most, dtype=np.float64)
    steps = np.log((n_a - counts) * (with_it - counts)) - np.log((counts + 1) * (n - n_a - with_it + counts + 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    no_likelier = chances <= chances[a - fewest] * _ALIKE
    return min(1.0, float(chances[no_likelier].sum() / chances.sum()))


def _scatter(x: Figures, n: Figures, line: Figures) -> float:
    """Pearson's chi-square of the counts about their line, of which a straight one may leave 0 to 1."""
    inside = np.clip(line, 0.5 / n.sum(), 1 - 0.5 / n.sum())
    return float(((x - n * inside) ** 2 / (n * inside * (1 - inside))).sum())


def _is_beyond_chance(chi_square: float, degrees: int) -> bool:
    """Whether chance makes so much in less than one case in ten.

    Source: the cube root of Wilson and Hilferty, "The distribution of chi-square", PNAS 17 (1931).
    """
    width = 2 / (9 * degrees)
    return (cbrt(chi_square / degrees) - (1 - width)) / sqrt(width) > _ONE_IN_TEN


def _t_quantile(freedom: int) -> float:
    """What leaves 2.5 % above, by halving."""
    low, high = _Z, 13.0
    while high - low > 1e-9:  # noqa: PLR2004 - far below what is shown
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, freedom) > SURE else (low, middle)
    return low
