"""How long Kafka itself keeps the records of each of our topics, as the broker says."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pipeline.settings import KafkaSettings
from pipeline.stages import TOPICS
from workers.kafka_clients import admin_client

_RETENTION: Final = "retention.ms"
_POLICY: Final = "cleanup.policy"
_FOR_EVER_MS: Final = -1


def retentions(settings: KafkaSettings) -> dict[str, timedelta | None]:
    """Of each topic of ours that there is; None where records stay for good.

    Raises:
        Retryable: no broker answers.
        ConvmineError: the broker refuses.
    """
    from kafka.admin import ConfigResource, ConfigResourceType

    names = {settings.topic_prefix + topic.name: topic.name for topic in TOPICS}
    with admin_client(settings) as admin:
        there = [str(one["name"]) for one in admin.describe_topics(list(names)) if one["partitions"]]
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in there]
        answer = admin.describe_configs(asked, config_filter="all") if asked else {}
    found = {name: configs for by_name in answer.values() for name, configs in by_name.items()}
    return {names[name]: _kept(found[name]) for name in there if name in found}


def _kept(configs: dict[str, dict[str, str]]) -> timedelta | None:
    deletes = "delete" in configs[_POLICY]["value"].split(",")
    retention_ms = int(configs[_RETENTION]["value"])
    return timedelta(milliseconds=retention_ms) if deletes and retention_ms != _FOR_EVER_MS else None
