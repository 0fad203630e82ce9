"""The topics of what is published of scenarios, prompts and cards, and of what runs, on the broker of the tests."""

from __future__ import annotations

import pytest

from pipeline.settings import KafkaSettings
from pipeline.stages import CARDS, PROMPTS, RUNNING, SCENARIOS, TOPICS
from workers.edge import Edge


def config_topics(settings: KafkaSettings) -> Edge:
    """These topics and no others: a broker that many tests share has many anyway."""
    needed = {SCENARIOS, PROMPTS, CARDS, RUNNING}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workers.edge.TOPICS", tuple(topic for topic in TOPICS if topic.name in needed))
        Edge(settings).apply_topics()
    return Edge(settings)
