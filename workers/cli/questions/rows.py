"""Tables of stored calls, utterances, intents and suggestions, as ``query`` and ``calls list`` print them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pipeline.moments import clock
from workers.cli.output import print_table

if TYPE_CHECKING:
    from pipeline.store.answers import CallRow, FoundIntent, FoundSuggestion, Outcome, Utterance


def print_rows(of: str, items: Sequence[Any]) -> None:
    """The table of this kind of rows."""
    columns, row = _TABLES[of]
    print_table(columns, map(row, items))


def named(outcome: Outcome | None) -> str | None:
    """How a call ended, by name and as won, lost or open."""
    return None if outcome is None else f"{outcome.name} ({outcome.result})"


def _call(row: CallRow) -> tuple[object, ...]:
    return (
        row.call_id,
        _minute(row.started_at),
        None if row.duration_ms is None else clock(row.duration_ms),
        named(row.outcome_inferred),
        named(row.outcome_observed),
        ", ".join(row.intents),
        row.failed and row.failed.stage,
    )


def _utterance(item: Utterance) -> tuple[object, ...]:
    return item.call_id, clock(item.start_ms), item.role, item.agent, _minute(item.started_at), item.text


def _intent(item: FoundIntent) -> tuple[object, ...]:
    sure = f"{item.confidence:.2f}"
    return item.call_id, clock(item.start_ms), item.role, item.name, item.topic, sure, item.quote


def _suggestion(item: FoundSuggestion) -> tuple[object, ...]:
    became = item.feedback or ("withdrawn" if item.withdrawn else None)
    return item.call_id, clock(item.at_ms), item.agent, item.card_id, item.title, became, item.reason


def _minute(at: str | None) -> str:
    return (at or "")[:16].replace("T", " ")


_TABLES: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Any], tuple[object, ...]]]]] = {
    "calls": (("call", "started", "length", "inferred", "observed", "intents", "failed"), _call),
    "utterances": (("call", "time", "role", "agent", "started", "words"), _utterance),
    "intents": (("call", "time", "role", "intent", "topic", "sure", "words"), _intent),
    "suggestions": (("call", "time", "agent", "card", "title", "became", "because"), _suggestion),
}
