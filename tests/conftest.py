"""Fixtures that many tests share: the broker, and settings that collide with nobody's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
import structlog
from kafka_node import kafka_node

from pipeline.settings import KafkaSettings

pytest_plugins = ("store_places", "mined_store", "judged_store", "own_prompts", "model_server", "gateway_app")

# How long an example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile("convmine", deadline=None)
hypothesis.settings.load_profile("convmine")

# What measures, kills, or starts brokers and whole workers gets the machine for itself: scripts/test runs it apart.
ALONE = frozenset({"benchmarks", "chaos", "contract", "end_to_end", "fuzz", "live_llm"})
BESIDE = frozenset({"test_analysts_hour.py"})
"""Takes minutes, and neither starts workers nor measures."""
_TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs alone: a whole folder, a file that starts a broker of its own, a test on the one they share."""
    for item in items:
        of_folder = item.path.relative_to(_TESTS).parts[0] in ALONE and item.path.name not in BESIDE
        fixtures = getattr(item, "fixturenames", ())
        of_broker = {"kafka_node", "own_kafka_node"} & set(vars(getattr(item, "module", None) or object))
        if of_folder or of_broker or "kafka_servers" in fixtures:
            item.add_marker("alone")


@pytest.fixture(scope="session", autouse=True)
def _no_ledger_at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests ask, of language models or of calls, is written down nowhere that a person looks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVMINE_AUDIT_PATH", str(tmp_path_factory.mktemp("audit") / "audit.sqlite"))
        patch.setenv("CONVMINE_BUDGET_LEDGER_PATH", str(tmp_path_factory.mktemp("ledger") / "usage.sqlite"))
        yield


@pytest.fixture(autouse=True)
def _logging_ends_with_the_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that a test runs sends its log to that test's standard error, which is closed after it."""
    configure, root = structlog.configure, logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configure_uncached(**options: Any) -> None:
        configure(**options | {"cache_logger_on_first_use": False})

    monkeypatch.setattr(structlog, "configure", configure_uncached)
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def kafka_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``host:port`` of a real Kafka, started once for all tests."""
    with kafka_node(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@pytest.fixture
def kafka_settings(kafka_servers: str) -> KafkaSettings:
    """Settings whose topics and groups no other test uses."""
    return KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=2)
