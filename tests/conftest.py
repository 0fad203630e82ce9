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

pytest_plugins = (
    "store_places",
    "mined_store",
    "judged_store",
    "own_prompts",
    "model_server",
    "gateway_app",
    "typescript",
)

# How long an example takes says more of the machine than of what is tested.
hypothesis.settings.register_profile("convmine", deadline=None)
hypothesis.settings.load_profile("convmine")

# What measures, and what kills workers or takes away what they need, gets the machine for itself. The rest is run three
# files at a time, each side with a broker of its own; scripts/test says how.
ALONE = (
    "benchmarks",
    "chaos/test_kills.py",
    "chaos/test_outages.py",
    "deploy/test_compose_runs.py",
    "docs/test_commands.py",
    "end_to_end/test_demo_live.py",
    "end_to_end/test_secure_kafka.py",
)
# Files of which only the marked tests are.
PARTLY_ALONE = ("test_house.py", "workers/test_probes.py")
_TESTS = Path(__file__).parent


def _is_in(path: Path, places: tuple[str, ...]) -> bool:
    return any(path.is_relative_to(_TESTS / place) for place in places)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where only what runs alone is asked for, other files are not imported, which takes half a minute."""
    only = config.getoption("markexpr") == "alone"
    return True if only and collection_path.is_file() and not _is_in(collection_path, ALONE + PARTLY_ALONE) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what runs alone."""
    for item in items:
        if _is_in(item.path, ALONE):
            item.add_marker("alone")
        elif item.get_closest_marker("alone") and not _is_in(item.path, PARTLY_ALONE):
            raise pytest.UsageError(f"{item.nodeid} would never run: its file is not in PARTLY_ALONE")


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
    """``host:port`` of a real Kafka, started once for all tests of a process."""
    with kafka_node(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@pytest.fixture
def kafka_settings(kafka_servers: str) -> KafkaSettings:
    """Settings whose topics and groups no other test uses."""
    return KafkaSettings(bootstrap_servers=kafka_servers, topic_prefix=f"t{uuid4().hex[:10]}.", partitions=2)
