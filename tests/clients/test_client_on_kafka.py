from __future__ import annotations

import json
from datetime import timedelta

import pytest
from client_readme import program
from mined_calls import START, suggestion, withdrawn

from convmine_client.kafka import suggestions
from pipeline.handling import Outbound
from pipeline.settings import KafkaSettings
from pipeline.stages import AUDIO, OUTCOMES, RECORDINGS, SUGGESTIONS, transcripts
from schemas.call import CallEnded, CallOutcome, CallStarted
from schemas.envelope import message
from schemas.suggestion import SuggestionCreated, SuggestionWithdrawn
from schemas.transcript import ConversationMessage
from schemas.wire import Lane
from workers.edge import Edge
from workers.records import NewRecord, read_event, write_event

TENANT = "north-mobile"


@pytest.fixture
def edge(kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch) -> Edge:
    """A broker with our topics, in the environment of the README's programs."""
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka_settings.bootstrap_servers)
    monkeypatch.setenv("TOPIC_PREFIX", kafka_settings.topic_prefix)
    edge = Edge(kafka_settings)
    edge.apply_topics()
    return edge


def record(event: SuggestionCreated | SuggestionWithdrawn, number: int, tenant: str = TENANT) -> NewRecord:
    at = START + timedelta(seconds=number)
    sent = message(event, id=f"e{number}", source="/test", time=at, subject=event.call_id, tenant_id=tenant)
    return write_event(Outbound(SUGGESTIONS, sent))


def test_the_program_that_publishes_is_read_by_our_stages(edge: Edge) -> None:
    exec(program("from convmine_client.kafka import Publisher"), {})
    kinds = {
        topic: [
            type(event.payload) for one in edge.tail(topic, from_start=True, follow=False) if (event := read_event(one))
        ]
        for topic in (RECORDINGS, transcripts(Lane.LIVE), OUTCOMES, AUDIO)
    }
    assert kinds[transcripts(Lane.LIVE)] == [CallStarted, ConversationMessage, CallEnded], "one call stays in order"
    assert [len(kinds[topic]) for topic in (RECORDINGS, OUTCOMES, AUDIO)] == [1, 1, 0]
    assert kinds[OUTCOMES] == [CallOutcome]


def test_suggestions_come_once_and_again_where_they_were_not_handled(
    edge: Edge, kafka_settings: KafkaSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    created = record(suggestion("c-1"), 1)
    edge.publish([created, created, record(suggestion("c-1"), 2, "umbrella"), record(withdrawn("c-1"), 3)])

    def taken(most: int) -> list[str]:
        options = {"group": "desk", "tenant": TENANT, "topic_prefix": kafka_settings.topic_prefix}
        found = []
        for one in suggestions(kafka_settings.bootstrap_servers, **options, idle_s=5):
            found.append(one.id)
            if len(found) == most:
                break
        return found

    assert taken(1) == ["e1"]
    assert taken(2) == ["e1", "e3"], "the first was not said to be handled; the copy and another tenant's are left out"
    source = program("from convmine_client.kafka import suggestions").replace("idle_s=10", "idle_s=5")
    exec(source, {})
    said = json.loads(created.value or b"")
    assert capsys.readouterr().out.splitlines() == [
        f"c-1 {said['title']} {said['text']}",
        "c-1 withdrawn: the customer agreed",
    ]
