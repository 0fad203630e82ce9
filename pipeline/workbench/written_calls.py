"""Calls from files: one conversation in either format, the samples that ship, and batches of test inputs.

All are masked as they are read, as those are that the stages mine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError, model_validator

from pipeline import samples
from pipeline.conversation import WrittenConversation, WrittenMessage, read_conversation, transcript_of
from pipeline.errors import Poison
from pipeline.privacy.entry import masked
from schemas.transcript import TranscriptCompleted
from schemas.wire import Identifier, Language, Milliseconds, Role, Wire

TURN_MS: Final = 5_000
"""How long a turn is taken to last where no times are told."""


class WrittenTurn(Wire):
    """What one side says, from when to when, in ms of the call."""

    role: Role
    text: str
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None


class WrittenCall(Wire):
    """A call with its turns: a labelled one, or a line of a batch with the parameters that it was made of.

    Where no turn has a time, each lasts ``TURN_MS``.
    """

    call_id: Identifier
    turns: Annotated[tuple[WrittenTurn, ...], Field(min_length=1, max_length=20_000)]
    scenario: Identifier | None = None
    language: Language | None = None
    id: Identifier | None = None
    parameters: Mapping[str, str | int | float | bool] = {}

    @model_validator(mode="after")
    def _all_turns_have_times_or_none(self) -> WrittenCall:
        told = [turn.start_ms is not None for turn in self.turns]
        if any(told) and not all(told):
            raise ValueError(f"turn {told.index(False) + 1} has no start_ms, others have")
        return self

    @property
    def name(self) -> str:
        """What results of it are told apart by."""
        return self.id or self.call_id

    def transcript(self, tenant_id: str) -> TranscriptCompleted:
        """As the stages would read it."""
        messages = tuple(_message(turn, number) for number, turn in enumerate(self.turns))
        written = WrittenConversation(
            call_id=self.call_id, messages=messages, scenario=self.scenario, language=self.language
        )
        return masked(transcript_of(written, tenant_id))


def read_call(text: str | bytes, tenant_id: str) -> TranscriptCompleted:
    """One conversation: with ``turns`` as labelled calls have them, or with ``messages`` (docs/formats.md).

    Raises:
        Poison: it is neither; the message says what is missing.
    """
    document = _document(text)
    if "turns" in document:
        return _written(document).transcript(tenant_id)
    return masked(transcript_of(read_conversation(text), tenant_id))


def read_batch(lines: Iterable[str]) -> Iterator[WrittenCall]:
    """The calls of a JSONL file; empty lines are none.

    Raises:
        Poison: a line is no call; the message has its number.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _written(_document(line))
            except Poison as error:
                raise Poison(f"line {number}: {error.message}") from error


def sample_call(scenario: str, language: str, tenant_id: str) -> TranscriptCompleted | None:
    """The first call that ships in this language, rather one of this scenario; None where there is none."""
    folder = samples.folder()
    paths = [*sorted((folder / "calls").glob("*.json")), *sorted((folder / "chats").glob("*.json"))]
    calls = [_document(path.read_bytes()) for path in paths]
    fitting = [call for call in calls if call["language"].partition("-")[0] == language.partition("-")[0]]
    fitting.sort(key=lambda call: call["scenario"] != scenario)
    return read_call(json.dumps(fitting[0]), tenant_id) if fitting else None


def _document(text: str | bytes) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise Poison(f"the conversation is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise Poison("the conversation is no JSON object")
    return document


def _written(document: Mapping[str, Any]) -> WrittenCall:
    try:
        return WrittenCall.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the call"
        raise Poison(f"{where}: {first['msg'].removeprefix('Value error, ')}") from error


def _message(turn: WrittenTurn, number: int) -> WrittenMessage:
    start_ms = number * TURN_MS if turn.start_ms is None else turn.start_ms
    end_ms = start_ms + TURN_MS if turn.start_ms is None else turn.end_ms
    return WrittenMessage(role=turn.role, text=turn.text, at_ms=start_ms, end_ms=end_ms)
