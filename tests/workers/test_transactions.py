from __future__ import annotations

import pytest
from died_events import topics_for_letters

from pipeline.errors import Poison, Retryable
from pipeline.handling import Position
from pipeline.settings import KafkaSettings
from pipeline.stages import FEEDBACK, REPLAYS
from workers.edge import Edge
from workers.records import NewRecord
from workers.transactions import Superseded, transactions

EVENT = NewRecord(FEEDBACK, b"a:1", b"event", (("x", b"1"),), 1)
MARK = NewRecord(REPLAYS, b"a", b"mark", ())


@pytest.fixture
def edge(kafka_settings: KafkaSettings) -> Edge:
    return topics_for_letters(kafka_settings)


def values(edge: Edge) -> list[bytes]:
    return sorted(record.value or b"" for record in edge.read(edge.spans([FEEDBACK, REPLAYS])))


def test_what_follows_from_where_records_stand_is_written_with_them(kafka_settings: KafkaSettings, edge: Edge) -> None:
    with transactions(kafka_settings, "test") as writer:
        assert writer.write([EVENT], lambda _: [MARK]) == [Position(FEEDBACK, 1, 0)]
        assert writer.write([EVENT, EVENT], lambda at: [NewRecord(REPLAYS, b"b", repr(at).encode(), ())])[1].offset == 3
    assert values(edge)[1:] == [b"event", b"event", b"event", b"mark"]


def test_nothing_is_written_when_it_breaks_in_between(kafka_settings: KafkaSettings, edge: Edge) -> None:
    def interrupted(_: object) -> list[NewRecord]:
        raise KeyboardInterrupt

    with transactions(kafka_settings, "test") as writer, pytest.raises(KeyboardInterrupt):
        writer.write([EVENT], interrupted)
    assert values(edge) == []
    with transactions(kafka_settings, "test") as writer:
        writer.write([EVENT], lambda _: [MARK])
    assert values(edge) == [b"event", b"mark"]


@pytest.mark.parametrize("rest", [(), (MARK,), (EVENT,)], ids=["at the end", "elsewhere", "where it wrote before"])
def test_who_comes_later_ends_what_another_has_under_way(
    kafka_settings: KafkaSettings, edge: Edge, rest: tuple[NewRecord, ...]
) -> None:
    def overtaken(_: object) -> tuple[NewRecord, ...]:
        with transactions(kafka_settings, "test") as other:
            other.write([MARK], lambda _: [])
        return rest

    with transactions(kafka_settings, "test") as writer, pytest.raises(Superseded):
        writer.write([EVENT], overtaken)
    assert values(edge) == [b"mark"]


def test_other_names_do_not_disturb_each_other(kafka_settings: KafkaSettings, edge: Edge) -> None:
    with transactions(kafka_settings, "one") as one, transactions(kafka_settings, "two") as two:
        two.write([EVENT], lambda _: [])
        one.write([EVENT], lambda _: [])
    assert values(edge) == [b"event", b"event"]


def test_a_record_that_is_too_large_is_said_so(kafka_settings: KafkaSettings, edge: Edge) -> None:
    large = NewRecord(FEEDBACK, b"a:1", b"x" * (kafka_settings.max_message_bytes + 1), ())
    with transactions(kafka_settings, "test") as writer, pytest.raises(Poison, match="larger than a message may be"):
        writer.write([large], lambda _: [])
    assert values(edge) == []


def test_a_broker_that_is_away_is_said_so() -> None:
    with (
        pytest.raises(Retryable, match=r"127\.0\.0\.1:1 does not answer"),
        transactions(KafkaSettings(bootstrap_servers="127.0.0.1:1"), "test"),
    ):
        pass
