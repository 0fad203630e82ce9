"""Changes of what is published, several at once, on a real Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from config_topics import config_topics
from published_config import new_record, prompt_published, scenario, scenario_published, tombstone

from pipeline.errors import ConvmineError, Retryable
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import PROMPTS, SCENARIOS
from workers.config_changes import ChangedMeanwhile, exclusive, settled
from workers.edge import Edge, Spans
from workers.published import Published, prompt_record, withdrawn_prompt
from workers.records import NewRecord
from workers.transactions import transactions

GREET = ("retail", "en", "greet")


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> Settings:
    return Settings(tenant="acme", kafka=kafka_settings.model_copy(update={"partitions": 1}))


@pytest.fixture
def edge(settings: Settings) -> Edge:
    return config_topics(settings.kafka)


def published(settings: Settings) -> Published:
    with exclusive(settings) as change:
        return change.published


def publish(settings: Settings, *records: NewRecord) -> None:
    with exclusive(settings) as change:
        change.publish(records)


def version(found: Published) -> int | None:
    return found.prompts[GREET].prompt_version if GREET in found.prompts else None


def test_what_is_published_is_read_back_by_the_next_change(settings: Settings, edge: Edge) -> None:
    retail = scenario_published(scenario("retail", 3))
    publish(settings, prompt_record("acme", prompt_published(2)), new_record(retail))
    publish(settings, prompt_record("acme", prompt_published(5)))
    found = published(settings)
    assert (version(found), found.scenarios["retail"]) == (5, retail)
    publish(settings, withdrawn_prompt("acme", GREET), tombstone(new_record(retail)))
    assert published(settings) == Published("acme")


def test_of_two_changes_at_once_one_wins_and_the_other_is_told(settings: Settings, edge: Edge) -> None:
    with exclusive(settings) as first:
        with exclusive(settings) as second:
            second.publish([prompt_record("acme", prompt_published(3))])
        with pytest.raises(ChangedMeanwhile, match="nothing was changed") as told:
            first.publish([new_record(scenario_published(scenario())), prompt_record("acme", prompt_published(2))])
    assert "convmine prompt list" in (told.value.hint or "")
    found = published(settings)
    assert (version(found), found.scenarios) == (3, {})


def test_no_change_is_lost_however_many_come_at_once(settings: Settings, edge: Edge) -> None:
    ready = threading.Barrier(3)

    def add_one() -> None:
        ready.wait()
        while True:
            with suppress(ChangedMeanwhile), exclusive(settings) as change:
                change.publish([prompt_record("acme", prompt_published((version(change.published) or 0) + 1))])
                return

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(add_one) for _ in range(3)]:
            done.result(120)
    assert version(published(settings)) == 3
    written = [record.value for record in edge.read(edge.spans([PROMPTS]))]
    assert len(written) == 3


def test_what_was_given_up_is_not_seen(settings: Settings, edge: Edge) -> None:
    publish(settings, prompt_record("acme", prompt_published(1)))

    def killed(_: object) -> tuple[NewRecord, ...]:
        assert version(published(settings)) == 1
        return ()

    with transactions(settings.kafka, "config.acme") as writer, suppress(ConvmineError):
        writer.write([prompt_record("acme", prompt_published(9))], killed)
    assert version(published(settings)) == 1


def test_tenants_do_not_disturb_each_other(settings: Settings, edge: Edge) -> None:
    other = settings.model_copy(update={"tenant": "acme.eu"})
    with exclusive(settings) as ours, exclusive(other) as theirs:
        theirs.publish([prompt_record("acme.eu", prompt_published(7))])
        ours.publish([prompt_record("acme", prompt_published(2))])
    assert (version(published(settings)), version(published(other))) == (2, 7)


def test_behind_the_open_transaction_of_another_tenant_nothing_is_overlooked(settings: Settings, edge: Edge) -> None:
    read: list[int | None] = []
    reads = threading.Thread(target=lambda: read.append(version(published(settings))))

    def meanwhile(_: object) -> tuple[NewRecord, ...]:
        with transactions(settings.kafka, "config.acme") as ours:
            ours.write([prompt_record("acme", prompt_published(4))], lambda _: ())
        reads.start()
        reads.join(2)
        assert read == []
        return ()

    with transactions(settings.kafka, "config.other") as theirs:
        theirs.write([prompt_record("other", prompt_published(1))], meanwhile)
    reads.join(60)
    assert read == [4]


def test_a_transaction_that_does_not_end_is_not_waited_for_without_end() -> None:
    now = iter(range(0, 1_000, 10))
    waited: list[float] = []
    with pytest.raises(Retryable, match="another tenant"):
        settled(spans(lambda: 5), spans(lambda: 6), clock=lambda: next(now), sleep=waited.append)
    assert waited


def test_what_is_written_while_one_waits_is_not_waited_for() -> None:
    ends: Iterator[int] = iter((5, 6, 7))
    found = settled(spans(lambda: next(ends)), spans(lambda: 6), clock=lambda: 0, sleep=lambda _: None)
    assert found == {(PROMPTS, 0): range(6)}


def spans(end: Callable[[], int]) -> Callable[[], Spans]:
    return lambda: {(PROMPTS, 0): range(end())}


def test_records_of_others_and_what_cannot_be_read_are_passed_over(settings: Settings, edge: Edge) -> None:
    good = prompt_record("acme", prompt_published(2))
    elsewhere = new_record(prompt_published(8), tenant="else")
    misplaced = NewRecord(PROMPTS, good.key, elsewhere.value, new_record(scenario_published(scenario())).headers)
    broken = NewRecord(PROMPTS, good.key, b"{", good.headers)
    wrong_key = NewRecord(
        PROMPTS, b"acme:retail:en:other", prompt_record("acme", prompt_published(6)).value, good.headers
    )
    edge.publish([good, elsewhere, misplaced, broken, wrong_key])
    found = published(settings)
    assert (version(found), list(found.prompts)) == (2, [GREET])


def test_topics_that_are_missing_are_said_so(settings: Settings) -> None:
    with pytest.raises(ConvmineError, match=SCENARIOS) as told, exclusive(settings):
        pass
    assert told.value.hint == "run: convmine topics apply"


def test_a_broker_that_is_away_is_said_so() -> None:
    away = Settings(kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"))
    with pytest.raises(Retryable, match="does not answer"), exclusive(away):
        pass
