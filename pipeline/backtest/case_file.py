"""Labelled calls from JSONL: one call a line, its turns with what stands in them; an error names its line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.backtest.cases import Case, CasesUnreadable, named_item
from pipeline.backtest.items import Item, ScoredField, place_of
from pipeline.privacy.entry import masked
from pipeline.scenarios.model import Edition, Scenario, Taxonomy
from pipeline.workbench.lines import numbered_lines
from pipeline.workbench.written_calls import TURN_MS
from schemas.insight import FollowUpKind, Handling
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallFacts, Identifier, Language, Milliseconds, Role


class _Part(BaseModel):
    # A field that is not known is more likely a slip than a wish: its labels would be missed without a word.
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Entity(_Part):
    name: str
    value: str


class _Turn(_Part):
    role: Role
    text: str
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    intents: tuple[str, ...] | None = None
    entities: tuple[_Entity, ...] | None = None


class _Objection(_Part):
    handling: Handling
    turn: Annotated[int, Field(ge=1)]


class _FollowUp(_Part):
    kind: FollowUpKind
    turn: Annotated[int, Field(ge=1)]


class _Row(_Part):
    """One call; ``turn`` of an objection or a follow-up counts from 1.

    ``id``, ``prompt``, ``parameters`` and ``messages`` are what ``convmine prompt matrix`` writes besides.
    """

    call_id: Identifier
    id: str | None = None
    prompt: str | None = None
    parameters: Mapping[str, Any] = {}
    messages: tuple[Any, ...] = ()
    scenario: str | None = None
    language: Language | None = None
    turns: Annotated[tuple[_Turn, ...], Field(min_length=1)]
    topics: tuple[str, ...] | None = None
    outcome: str | None = None
    objections: tuple[_Objection, ...] | None = None
    follow_ups: tuple[_FollowUp, ...] | None = None
    summary: str | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        told = [turn.start_ms is not None for turn in self.turns]
        if any(told) and not all(told):
            raise ValueError(f"turn {told.index(False) + 1} has no start_ms, others have")
        for number, turn in enumerate(self.turns, 1):
            if turn.end_ms is not None and (turn.start_ms is None or turn.end_ms < turn.start_ms):
                raise ValueError(f"turn {number}: end_ms without a start_ms before it")
        named = [one.turn for one in self.objections or ()] + [one.turn for one in self.follow_ups or ()]
        if named and max(named) > len(self.turns):
            raise ValueError(f"turn {max(named)} is named, the last is {len(self.turns)}")
        return self


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The calls of one scenario and language; ``others`` is how many there are of another one."""

    cases: tuple[Case, ...]
    others: int


def read_cases(path: Path, scenario: Scenario, edition: Edition) -> CaseFile:
    """The calls of a file, masked as every transcript is that comes in.

    Args:
        path: JSONL in UTF-8; empty lines are passed over.
        scenario: whose calls are taken, with those that name none.
        edition: the language that is taken, and the names that labels may have.

    Raises:
        CasesUnreadable: a line is no call, a name is not in the taxonomy, a call is there twice, or there is no call.
    """
    cases: list[Case] = []
    others, seen = 0, dict[str, int]()
    for number, line in numbered_lines(path, CasesUnreadable):
        row = _row(line, f"{path}, line {number}")
        if (before := seen.setdefault(row.call_id, number)) != number:
            raise CasesUnreadable(f"{path}, line {number}: call {row.call_id!r} is in line {before}, too")
        if _is_of(row, scenario, edition):
            cases.append(_case(row, scenario, edition, f"{path}, line {number}"))
        else:
            others += 1
    if not cases:
        of = f"of scenario {scenario.id!r} in {edition.language!r}"
        raise CasesUnreadable(f"{path} holds no call {of}" + (f", and {others} of others" if others else ""))
    return CaseFile(tuple(cases), others)


def _row(line: str, where: str) -> _Row:
    try:
        return _Row.model_validate(json.loads(line))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        what = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
        message = ": ".join(part for part in (where, field, what.removeprefix("Value error, ")) if part)
        raise CasesUnreadable(message) from error
    except ValueError as error:
        raise CasesUnreadable(f"{where}: is no JSON: {error}") from error


def _is_of(row: _Row, scenario: Scenario, edition: Edition) -> bool:
    return row.scenario in {None, scenario.id} and (
        row.language is None or scenario.edition(row.language).language == edition.language
    )


def _case(row: _Row, scenario: Scenario, edition: Edition, where: str) -> Case:
    segments = tuple(_segment(row, number) for number in range(len(row.turns)))
    told = TranscriptCompleted(
        call_id=row.call_id,
        call=CallFacts(scenario=scenario.id, language=edition.language),
        language=edition.language,
        duration_ms=max(segment.end_ms for segment in segments),
        engine="labelled",
        segments=segments,
    )
    try:
        gold = {name: _checked(edition.taxonomy, name, items) for name, items in _gold(row, segments).items()}
    except CasesUnreadable as error:
        raise CasesUnreadable(f"{where}: {error.message}") from error
    return Case(masked(told), gold, summary=row.summary)


def _segment(row: _Row, number: int) -> Segment:
    turn = row.turns[number]
    start_ms = number * TURN_MS if turn.start_ms is None else turn.start_ms
    return Segment(
        segment_id=f"s{number + 1}",
        role=turn.role,
        start_ms=start_ms,
        end_ms=start_ms if turn.end_ms is None else turn.end_ms,
        text=turn.text,
    )


def _gold(row: _Row, segments: tuple[Segment, ...]) -> dict[ScoredField, list[Item]]:
    """What is labelled, as it is written; a field is labelled where it is there, though it be empty."""
    places = [place_of(segment) for segment in segments]
    turns = list(zip(row.turns, places, strict=True))
    gold: dict[ScoredField, list[Item]] = {}
    if any(turn.intents is not None for turn in row.turns):
        gold["intents"] = [Item(name, place=place) for turn, place in turns for name in turn.intents or ()]
    if any(turn.entities is not None for turn in row.turns):
        gold["entities"] = [Item(one.name, value=one.value) for turn in row.turns for one in turn.entities or ()]
    if row.topics is not None:
        gold["topics"] = [Item(name) for name in row.topics]
    if "outcome" in row.model_fields_set:
        gold["outcome"] = [] if row.outcome is None else [Item(row.outcome)]
    if row.objections is not None:
        gold["objections"] = [Item(one.handling.value, place=places[one.turn - 1]) for one in row.objections]
    if row.follow_ups is not None:
        gold["follow_ups"] = [Item(one.kind.value, place=places[one.turn - 1]) for one in row.follow_ups]
    return gold


def _checked(taxonomy: Taxonomy, name: ScoredField, items: list[Item]) -> tuple[Item, ...]:
    return tuple(dict.fromkeys(named_item(taxonomy, name, item) for item in items))
