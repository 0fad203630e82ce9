"""The figures of a back-test as rows of text: the same ones in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pipeline.backtest.field_scores import ROUNDS
from pipeline.backtest.result import Backtest, FieldScore, VersionResult

SCORE_COLUMNS: Final = (
    "field",
    "labelled",
    "F1 of A",
    "F1 of B",
    "B - A",
    "precision / recall of A",
    "of B",
    "A and B agree",
)
FIGURE_COLUMNS: Final = ("figure", "A", "B")
_NONE: Final = "-"


def score_rows(backtest: Backtest) -> list[tuple[str, ...]]:
    """One for each field, as ``SCORE_COLUMNS``; of a field that is not labelled only how far the versions agree."""
    first = {one.field: one for one in backtest.a.fields}
    second = {one.field: one for one in backtest.b.fields}
    changes = {one.field: one for one in backtest.changes}
    rows: list[tuple[str, ...]] = []
    for agreed in backtest.agreement:
        a, b, change = first.get(agreed.field), second.get(agreed.field), changes.get(agreed.field)
        rows.append(
            (
                agreed.field.replace("_", "-"),
                "no" if a is None else str(a.support),
                _score(a),
                _score(b),
                _with_interval(f"{change.difference:+.3f}", change.low, change.high, "+.3f") if change else _NONE,
                _precision_recall(a),
                _precision_recall(b),
                _NONE if agreed.agreement is None else f"{agreed.agreement:.0%}",
            )
        )
    return rows


def figure_rows(backtest: Backtest) -> list[tuple[str, ...]]:
    """What both took and how often they failed, as ``FIGURE_COLUMNS``."""
    both = (backtest.a, backtest.b)
    return [
        ("version", *(one.label for one in both)),
        ("model", *(one.model for one in both)),
        ("calls with a valid answer", *(f"{one.calls - one.failed} of {one.calls} ({one.valid:.1%})" for one in both)),
        ("asked again", *(f"{one.reasks:,}" for one in both)),
        ("dropped without evidence", *(f"{one.dropped_ungrounded:,}" for one in both)),
        ("seconds a call, median", *(_seconds(one.latency_p50_ms) for one in both)),
        ("seconds a call, 95 of 100", *(_seconds(one.latency_p95_ms) for one in both)),
        ("tokens in", *(f"{one.input_tokens:,}" for one in both)),
        ("tokens out", *(f"{one.output_tokens:,}" for one in both)),
        ("US dollars", *(_usd(one) for one in both)),
    ]


def notes_of(backtest: Backtest) -> list[str]:
    """What a reader has to know of these figures, a sentence each."""
    labelled = {one.field for one in backtest.a.fields}
    unlabelled = [one.field.replace("_", "-") for one in backtest.agreement if one.field not in labelled]
    notes = []
    if not labelled:
        notes.append(
            "Nothing is labelled in these calls, so nothing says which version is better: the two are compared with "
            "each other only."
        )
    else:
        notes.append(
            "One call tells nothing of others: there are no intervals."
            if backtest.a.calls == 1
            else f"Intervals hold 95 % of {ROUNDS:,} draws of calls (bootstrap); that of B - A is of the same draws."
        )
        if unlabelled:
            notes.append(f"Not labelled, and so not scored: {', '.join(unlabelled)}.")
    notes.append("Summaries are not scored.")
    if backtest.a.failed or backtest.b.failed:
        notes.append("A call without a valid answer counts as one in which nothing was found.")
    return notes


def _score(score: FieldScore | None) -> str:
    if score is None or score.f1 is None:
        return _NONE
    return _with_interval(f"{score.f1:.3f}", score.low, score.high, ".3f")


def _with_interval(shown: str, low: float | None, high: float | None, form: str) -> str:
    return shown if low is None or high is None else f"{shown} ({low:{form}} to {high:{form}})"


def _precision_recall(score: FieldScore | None) -> str:
    figures: Sequence[float | None] = (score.precision, score.recall) if score else ()
    return " / ".join(_NONE if one is None else f"{one:.2f}" for one in figures) or _NONE


def _seconds(milliseconds: float | None) -> str:
    return "not known" if milliseconds is None else f"{milliseconds / 1_000:.2f}"


def _usd(version: VersionResult) -> str:
    return "not known" if version.usd is None else f"{version.usd:.4f}"
