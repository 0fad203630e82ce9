"""From what two versions made of the same calls to the result that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from pipeline.backtest.cases import Case, labelled_fields, material
from pipeline.backtest.field_scores import agreement, change, counts_of, score
from pipeline.backtest.items import SCORED
from pipeline.backtest.result import Backtest, FieldScore, VersionResult
from pipeline.backtest.run import Outcome, Version
from pipeline.ids import stable_id
from pipeline.llm.prices import Prices, total
from schemas.insight import CallInsight


@dataclass(frozen=True, slots=True)
class Side:
    """One version and its outcomes, in order of the calls."""

    version: Version
    outcomes: tuple[Outcome, ...]

    @property
    def insights(self) -> list[CallInsight | None]:
        """What it made of each call; None where no valid answer came."""
        return [outcome.insight for outcome in self.outcomes]


def backtest(  # noqa: PLR0913 - what it is of
    cases: Sequence[Case], a: Side, b: Side, *, on: str, tenant_id: str, prices: Prices, finished_at: datetime
) -> Backtest:
    """Both versions scored; its id is the same for the same versions, models and calls with the same labels.

    Args:
        cases: the calls.
        a: the version that is there.
        b: the one that is compared with it.
        on: what the calls are.
        tenant_id: whose they are.
        prices: what tokens cost.
        finished_at: when it was done.
    """
    fields = labelled_fields(cases)
    counts_a, counts_b = ({name: counts_of(cases, side.insights, name) for name in fields} for side in (a, b))
    changes = (change(name, counts_a[name], counts_b[name]) for name in fields)
    scenario, of, versions = a.version.scenario, material(cases), (a.version, b.version)
    made_with = [part for version in versions for part in (version.prompt.digest, version.model)]
    return Backtest(
        backtest_id=stable_id("backtest", tenant_id, scenario.id, a.version.language, of, *made_with),
        scenario=scenario.id,
        language=a.version.language,
        prompt=a.version.prompt.id,
        on=on,
        material=of,
        finished_at=finished_at,
        a=version_result(a, [score(name, counts_a[name]) for name in fields], prices),
        b=version_result(b, [score(name, counts_b[name]) for name in fields], prices),
        changes=tuple(one for one in changes if one is not None),
        agreement=tuple(agreement(name, a.insights, b.insights) for name in SCORED),
    )


def version_result(side: Side, scores: Iterable[FieldScore], prices: Prices) -> VersionResult:
    """The figures of one version."""
    version, outcomes = side.version, side.outcomes
    seconds = [outcome.seconds for outcome in outcomes if outcome.seconds is not None]
    p50, p95 = np.percentile(seconds, [50, 95]) * 1_000 if seconds else (None, None)
    return VersionResult(
        label=version.prompt.label,
        digest=version.prompt.digest,
        model=version.model,
        fields=tuple(scores),
        calls=len(outcomes),
        failed=sum(outcome.insight is None for outcome in outcomes),
        reasks=sum(outcome.reasks for outcome in outcomes),
        dropped_ungrounded=sum(one.provenance.dropped_ungrounded for one in side.insights if one),
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        input_tokens=sum(outcome.input_tokens for outcome in outcomes),
        output_tokens=sum(outcome.output_tokens for outcome in outcomes),
        usd=_usd(side, prices),
    )


def _usd(side: Side, prices: Prices) -> float | None:
    """What all answers took; None where a price is not known."""
    paid = [one for one in side.outcomes if one.input_tokens or one.output_tokens]
    return total(
        prices.cost_usd(one.model, one.input_tokens, one.output_tokens, asked_as=side.version.model) for one in paid
    )
