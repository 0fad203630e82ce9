"""Every part tried, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.settings import Settings
from workers.diagnosis import Finding
from workers.trials.folders import try_folders
from workers.trials.kafka import try_kafka
from workers.trials.models import try_models
from workers.trials.store import try_store


def try_all(settings: Settings) -> Iterator[Finding]:
    """What each part did, as soon as it is known."""
    yield from try_kafka(settings)
    yield from try_store(settings)
    yield from try_models(settings)
    yield from try_folders(settings)
