"""What a real Kafka says of how long it keeps our topics."""

from __future__ import annotations

from datetime import timedelta

from pipeline.settings import KafkaSettings
from pipeline.stages import TOPICS, transcripts
from schemas.wire import Lane
from workers.edge import Edge
from workers.kafka_clients import admin_client
from workers.kafka_retention import retentions


def test_the_broker_says_what_was_set_by_us_or_by_others(kafka_settings: KafkaSettings) -> None:
    assert retentions(kafka_settings) == {}
    theirs = transcripts(Lane.BATCH)
    with admin_client(kafka_settings) as admin:
        options = {"num_partitions": 1, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
        admin.create_topics({kafka_settings.topic_prefix + theirs: options}, wait_for_metadata=True)
    Edge(kafka_settings).apply_topics()
    set_by_us = {
        one.name: None if one.retention_ms is None else timedelta(milliseconds=one.retention_ms) for one in TOPICS
    }
    assert retentions(kafka_settings) == {**set_by_us, theirs: None}
