"""What the Python client says of questions, answers and events is what convmine says."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path

import jsonschema
import pytest
from pydantic import TypeAdapter

from convmine_client import AsyncClient, Client, at_least, below, equal, questions, unequal
from convmine_client.events import Event, Source
from pipeline.questions.question import Query, Question, Rows
from pipeline.stages import TOPICS
from schemas.envelope import from_headers, payload_model

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SOURCE = Source("acme", "/test")
ASKED = [
    questions.search("price", where=[equal("role", "customer"), unequal("lane", "live")]),
    questions.calls(sort="-started", where=[at_least("started", "7d"), below("duration", 60)]),
    questions.utterances(),
    questions.intents(after="mark"),
    questions.suggestions(),
    questions.aggregate(by=["intent", "week"], metric="share"),
    questions.similar("c-1"),
    questions.compare([equal("outcome", "won")], [equal("outcome", "lost")], outcomes="observed"),
    questions.trend(period="month"),
    questions.coach("ann"),
    questions.flow("telecom", outcomes="observed"),
    questions.call("c-1"),
    questions.transcript("c-1"),
]
EVENTS = [
    SOURCE.recording(
        "c-1",
        "s3://calls/c-1.ogg",
        at=AT,
        sha256="0" * 64,
        channels=[{"index": 0, "role": "agent"}],
        call={"agent": "ann", "consent": True},
    ),
    SOURCE.started("c-1", at=AT, call={"started_at": AT.isoformat()}),
    SOURCE.message("c-1", "m-1", "customer", "太贵了", at=AT, call={"language": "zh"}),
    SOURCE.ended("c-1", at=AT, duration_ms=5_000),
    SOURCE.outcome("c-1", "sale_closed", "won", at=AT, observed_by="crm"),
]


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: str(asked.body["kind"]))
def test_questions_of_the_client_are_questions(asked: questions.Question[object]) -> None:
    body = dict(asked.body or {})
    read: Question = TypeAdapter[Question](Question).validate_python(json.loads(json.dumps(body)))
    fixed = {"kind", "of"} if isinstance(read, Query) else {"kind"}
    assert set(body) == set(type(read).model_fields), "each field of the question has an argument"
    defaults = {name: one.default for name, one in type(read).model_fields.items() if not one.is_required()}
    function = getattr(questions, str(body["of"] if isinstance(read, Query) else body["kind"]))
    ours = {name: one.default for name, one in signature(function).parameters.items() if one.default is not one.empty}
    assert ours == {name: value for name, value in defaults.items() if name not in fixed}


def test_every_question_has_a_method_in_both_clients() -> None:
    kinds = {one.model_fields["kind"].default for one in Question.__args__ if one not in {Query, Rows}}
    methods = kinds | {"calls", "utterances", "intents", "suggestions"}
    assert methods <= set(dir(Client)) & set(dir(AsyncClient))
    assert [*signature(Client.search).parameters] == ["self", *signature(questions.search).parameters]


def test_the_types_of_answers_are_those_that_questions_have() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "client-types"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(dict(event.headers)["ce_type"].decode()))
def test_events_of_the_client_are_those_of_the_contracts(event: Event) -> None:
    envelope = from_headers(event.headers)
    model = payload_model(envelope)
    assert model is not None
    payload = model.model_validate_json(event.value)
    schema = json.loads((ROOT / "schemas" / "json" / f"{model.event_name}.v1.json").read_text())
    jsonschema.validate(json.loads(event.value), schema)
    sent = json.loads(event.value)
    assert json.loads(payload.model_dump_json(include=set(sent)))["call_id"] == "c-1"
    assert set(sent) <= set(model.model_fields), "nothing that a reader passes over"
    assert (envelope.partitionkey.encode(), envelope.subject) == (event.key, "c-1")
    (topic,) = (topic for topic in TOPICS if topic.name == event.topic)
    assert model.event_name in topic.events


def test_an_event_that_is_made_again_has_the_same_id() -> None:
    again = SOURCE.outcome("c-1", "sale_closed", "won", at=AT, observed_by="crm")
    other = SOURCE.outcome("c-1", "sale_closed", "lost", at=AT, observed_by="crm")
    assert dict(again.headers)["ce_id"] == dict(EVENTS[-1].headers)["ce_id"] != dict(other.headers)["ce_id"]
    with pytest.raises(ValueError, match="no time zone"):
        SOURCE.ended("c-1", at=datetime(2026, 3, 2))  # noqa: DTZ001 - that is what is refused
