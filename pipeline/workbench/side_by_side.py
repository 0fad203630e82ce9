"""Answers side by side: what several versions and models found in one call, a row a thing and a column an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.insight import CallInsight

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing: the field, where it begins in the call (ms), and what each answer says of it, None where nothing."""

    field: str
    at_ms: int | None
    cells: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Thing:
    """``key`` is the same for what is the same thing in two answers."""

    key: Key
    at_ms: int | None
    text: str


def side_by_side(insights: Sequence[CallInsight | None]) -> list[Row]:
    """The rows field by field, in each in order of time; an answer that did not come has empty cells."""
    rows: list[Row] = []
    for field, read in _FIELDS.items():
        columns = [_numbered(read(insight)) if insight else {} for insight in insights]
        together = {key: thing for column in reversed(columns) for key, thing in column.items()}
        for key in sorted(together, key=lambda key: (together[key].at_ms or 0, str(key))):
            cells = tuple(column[key].text if key in column else None for column in columns)
            rows.append(Row(field, together[key].at_ms, cells))
    return rows


def _numbered(things: Iterator[_Thing]) -> Mapping[Key, _Thing]:
    """By key; what is said twice of one place is the first and the second of it."""
    seen: Counter[Key] = Counter()
    found: dict[Key, _Thing] = {}
    for thing in things:
        found[*thing.key, seen[thing.key]] = thing
        seen[thing.key] += 1
    return found


def _intents(insight: CallInsight) -> Iterator[_Thing]:
    for one in insight.intents:
        said = one.evidence[0]
        text = f"{one.name} {one.confidence:.2f} “{said.quote}”"
        yield _Thing((said.segment_id, one.name), said.start_ms, text)


def _entities(insight: CallInsight) -> Iterator[_Thing]:
    for one in insight.entities:
        said = one.evidence[0]
        yield _Thing((said.segment_id, one.name, one.value), said.start_ms, f"{one.name} = {one.value}")


def _topics(insight: CallInsight) -> Iterator[_Thing]:
    for name in dict.fromkeys(span.topic for span in insight.topics):
        yield _Thing((name,), None, name)


def _outcome(insight: CallInsight) -> Iterator[_Thing]:
    if (one := insight.outcome_inferred) is not None:
        yield _Thing((), None, f"{one.name}: {one.reason}" if one.reason else one.name)


def _objections(insight: CallInsight) -> Iterator[_Thing]:
    for one in insight.objections:
        said = one.evidence[0]
        yield _Thing((said.segment_id,), said.start_ms, f"{one.handling} “{said.quote}”")


def _follow_ups(insight: CallInsight) -> Iterator[_Thing]:
    for one in insight.follow_ups:
        said = one.evidence[0]
        due = f" (due {one.due or one.due_said})" if one.due or one.due_said else ""
        yield _Thing((said.segment_id,), said.start_ms, f"{one.kind}: {one.what}{due}".replace("_", " ", 1))


def _summary(insight: CallInsight) -> Iterator[_Thing]:
    if insight.summary:
        yield _Thing((), None, insight.summary)


_FIELDS: Final[Mapping[str, Callable[[CallInsight], Iterator[_Thing]]]] = {
    "intents": _intents,
    "entities": _entities,
    "topics": _topics,
    "outcome": _outcome,
    "objections": _objections,
    "follow-ups": _follow_ups,
    "summary": _summary,
}
