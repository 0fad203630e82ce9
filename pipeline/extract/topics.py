"""Which topic was talked about when."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.insight import Intent, TopicSpan


def topic_spans(intents: Iterable[Intent]) -> list[TopicSpan]:
    """Stretches of one topic, from the first intent of it to the last in a row; ``intents`` are in order of time."""
    spans: list[TopicSpan] = []
    for intent in intents:
        if intent.topic is None:
            continue
        start = min(evidence.start_ms for evidence in intent.evidence)
        end = max(evidence.end_ms for evidence in intent.evidence)
        if spans and spans[-1].topic == intent.topic:
            last = spans.pop()
            start, end = last.start_ms, max(end, last.end_ms)
        spans.append(TopicSpan(topic=intent.topic, start_ms=start, end_ms=end))
    return spans
