"""Fixtures that many tests share: the broker, and settings that collide with nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from kafka_node import kafka_node

from pipeline.settings import KafkaSettings

pytest_plugins = ("store_places", "mined_store", "judged_store", "own_prompts", "model_server", "gateway_app")


@pytest.fixture(scope="session", autouse=True)
def _no_ledger_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests ask of language models is written down nowhere that a person looks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVMINE_BUDGET_LEDGER_PATH", str(tmp_path_factory.mktemp("ledger") / "usage.sqlite"))
        yield


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a real Kafka, started once for all tests."""
    with kafka_node(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@pytest.fixture
def kafka_settings(kafka_servers: str) -> KafkaSettings:
    """Settings whose topics and groups no other test uses."""
    return KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=2)
