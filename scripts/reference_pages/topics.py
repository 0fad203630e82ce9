"""The page of topics and stages, as they are declared."""

from __future__ import annotations

from pipeline.stages import DAY, HOUR, STAGES, TOPICS, Topic
from reference_pages.markdown import MADE, listed, page, table


def topics_page() -> str:
    """Stages and topics as they are declared."""
    stages = [
        (
            f"`{stage.name}`",
            str(stage.lane),
            listed(stage.reads),
            listed(stage.writes),
            stage.bound_by,
            "call" if stage.order == "key" else "partition",
            f"`{stage.state_topic}`" if stage.remembers else "",
            f"`{stage.group}`",
        )
        for stage in STAGES
    ]
    stage_header = ("Stage", "Lane", "Reads", "Writes", "Bound by", "In order by", "Remembers in", "Consumer group")
    dead = [stage.dead_letters(topic) for stage in STAGES for topic in stage.reads]
    ours = [topic for topic in TOPICS if topic.name not in dead]
    return page(
        [
            "# Topics and stages",
            MADE.format(source="pipeline/stages.py"),
            (
                "`CONVMINE_KAFKA_TOPIC_PREFIX` goes before the names of topics and groups. `convmine topics apply` "
                "makes what is missing. [Architecture](../architecture.md#topics-lanes-stages) says why they are so."
            ),
            "## Stages",
            table(stage_header, stages),
            "Every stage may also write to `calls.failed`, and to its dead letters.",
            "## Topics",
            table(("Topic", "Events", "Kept", ""), [_topic_row(topic) for topic in ours]),
            "Internal topics are no part of the contracts: nobody else should read them.",
            "## Dead letters",
            (
                f"`<topic>.<stage>.dlq`, kept {_kept(next(topic for topic in TOPICS if topic.name in dead))}: "
                "whatever a stage could not handle, with its original bytes."
            ),
            "\n".join(f"- `{name}`" for name in dict.fromkeys(dead)),
        ]
    )


def _topic_row(topic: Topic) -> tuple[str, ...]:
    links = ", ".join(f"[`{event}`](events.md#{event.replace('.', '')})" for event in topic.events)
    return f"`{topic.name}`", links, _kept(topic), "internal" if topic.internal else ""


def _kept(topic: Topic) -> str:
    if topic.retention_ms is None:
        long = ""
    elif topic.retention_ms % DAY == 0:
        days = topic.retention_ms // DAY
        long = f"{days} day" if days == 1 else f"{days} days"
    else:
        long = f"{topic.retention_ms // HOUR} hours"
    return ", ".join(filter(None, ("compacted" if topic.compacted else "", long)))
