"""What each of our processes may do on Kafka, and no more: from ``pipeline.stages`` and from what the processes use.

A principal a process: ``extract-live`` is the stage ``extract`` of the lane ``live``; ``gateway`` and ``dashboard``;
``topics`` is ``convmine topics apply``; ``cli`` is whoever operates the installation by hand. Idempotent producers need
no right of their own since Kafka 2.8 (KIP-679): to write one topic is enough.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from pipeline.settings import KafkaSettings
from pipeline.stages import (
    AUDIO,
    ERASURES,
    FAILED,
    FEEDBACK,
    GRAPH,
    OUTCOMES,
    RECORDINGS,
    REPLAYS,
    RUNNING,
    STAGES,
    TOPICS,
    Stage,
    transcripts,
)
from schemas.wire import Lane
from workers.gateway.outgoing.marks import STREAMED
from workers.trials.kafka import TRIED
from workers.uptake import CONFIG_TOPICS

Resource = Literal["topic", "group", "transactional-id"]
Operation = Literal["Read", "Write", "Describe", "Create", "Delete", "DescribeConfigs"]
_READ: Final[tuple[Operation, ...]] = ("Read", "Describe")
_WRITE: Final[tuple[Operation, ...]] = ("Write", "Describe")
_SEE: Final[tuple[Operation, ...]] = ("Describe",)
_CHANGES: Final = "convmine.config."
_REPLAY: Final = "convmine.dlq.replay"
"""Names of transactions (workers.config_changes, workers.replays); those of changes end with the tenant."""
_ADD: Final = (
    'kafka-acls.sh --bootstrap-server "$KAFKA_BOOTSTRAP_SERVERS" --command-config "$KAFKA_ADMIN_PROPERTIES" --add'
)
_Wanted = tuple[Resource, str, Sequence[Operation], bool]
"""A kind of resource, a name without the installation's prefix, what is done with it, and whether it is a prefix."""


@dataclass(frozen=True, slots=True)
class Right:
    """One operation that one principal may do; ``prefixed`` means every resource whose name begins so."""

    principal: str
    operation: Operation
    resource: Resource
    name: str
    prefixed: bool = False


def rights(settings: KafkaSettings, principal_prefix: str) -> list[Right]:
    """The rights of every process, in the order of the processes; the names are those on the broker.

    Args:
        settings: of them the prefix of topics and groups.
        principal_prefix: stands before the name of each process, such as ``User:convmine-``.
    """
    found: list[Right] = []
    for process, wanted in _processes().items():
        principal = principal_prefix + process
        named = {
            Right(principal, operation, resource, settings.topic_prefix + name, prefixed)
            for resource, name, operations, prefixed in wanted
            for operation in operations
        }
        found += sorted(named, key=lambda one: (one.resource, one.name, one.operation))
    return found


def kafka_acls(found: Iterable[Right]) -> Iterator[str]:
    """The commands of ``kafka-acls.sh`` that give these rights; what one may do in the same way is one command."""
    by_resource: dict[tuple[str, Resource, str, bool], list[str]] = {}
    for one in found:
        by_resource.setdefault((one.principal, one.resource, one.name, one.prefixed), []).append(one.operation)
    rows = [((who, what, prefixed, tuple(does)), name) for (who, what, name, prefixed), does in by_resource.items()]
    order = {who: number for number, who in enumerate(dict.fromkeys(key[0] for key, _ in rows))}
    rows.sort(key=lambda row: (order[row[0][0]], row))
    for (who, what, prefixed, does), named in groupby(rows, key=lambda row: row[0]):
        words = [
            *("--allow-principal", who),
            *(word for operation in does for word in ("--operation", operation)),
            *(("--resource-pattern-type", "prefixed") if prefixed else ()),
            *(word for _, name in named for word in (f"--{what}", name)),
        ]
        yield f"{_ADD} {shlex.join(words)}"


def _processes() -> Mapping[str, list[_Wanted]]:
    every = [topic.name for topic in TOPICS]
    calls = [RECORDINGS, OUTCOMES, AUDIO, transcripts(Lane.LIVE)]
    followed = [*STREAMED, *CONFIG_TOPICS, ERASURES]
    changing: list[_Wanted] = [
        ("transactional-id", _CHANGES, _WRITE, True),
        ("transactional-id", _REPLAY, _WRITE, False),
        *(("group", stage.group, _SEE, False) for stage in STAGES),
    ]
    letters = [stage.dead_letters(topic) for stage in STAGES for topic in stage.reads]
    replayed = [topic for stage in STAGES for topic in stage.reads]
    return {
        **{f"{stage.name}-{stage.lane}": _of_stage(stage) for stage in STAGES},
        "gateway": [*_topics(followed, _READ), *_topics([*calls, FEEDBACK, ERASURES], _WRITE), *_topics(every, _SEE)],
        "dashboard": [
            *_topics([*followed, RUNNING, RECORDINGS, REPLAYS, *letters, *replayed], _READ),
            *_topics([FEEDBACK, ERASURES, *CONFIG_TOPICS, REPLAYS, *replayed], _WRITE),
            *_topics(every, ("Describe", "DescribeConfigs")),
            *changing,
        ],
        "topics": _topics(every, ("Create", "Describe")),
        "cli": [
            *_topics(every, ("Read", "Describe", "DescribeConfigs")),
            *_topics([*calls, transcripts(Lane.BATCH), FEEDBACK, ERASURES, *CONFIG_TOPICS, REPLAYS, *replayed], _WRITE),
            ("topic", TRIED, ("Create", "Delete", "Read", "Write", "Describe"), True),
            *changing,
        ],
    }


def _of_stage(stage: Stage) -> list[_Wanted]:
    """What ``workers.processes`` and ``workers.kafka_app`` use for a stage."""
    reads = [*stage.reads, *CONFIG_TOPICS, ERASURES]
    writes = [*stage.writes, *map(stage.dead_letters, stage.reads), FAILED, RUNNING]
    if stage.remembers:
        reads.append(stage.state_topic)
        writes.append(stage.state_topic)
    if stage.name == "graph" or (stage.name, stage.lane) == ("flow", Lane.LIVE):
        reads.append(GRAPH)
    return [*_topics(reads, _READ), *_topics(writes, _WRITE), ("group", stage.group, _READ, False)]


def _topics(names: Iterable[str], operations: Sequence[Operation]) -> list[_Wanted]:
    return [("topic", name, operations, False) for name in names]
