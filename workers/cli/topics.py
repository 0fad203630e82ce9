"""``convmine topics``: create, list and watch topics, and see how far the stages are behind."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import islice

import click

from pipeline.settings import load
from pipeline.stages import STAGES
from schemas.wire import Lane
from workers.cli.output import json_option, print_json, print_table


@click.command("apply")
@json_option
def apply_topics(*, as_json: bool) -> None:
    """Create the topics that are missing; those that exist are left as they are."""
    from workers.edge import Edge

    done = Edge(load().kafka).apply_topics()
    if as_json:
        print_json({"items": [{"topic": topic, "state": state} for topic, state in done.items()], "next": None})
        return
    created = [topic for topic, state in done.items() if state == "created"]
    for topic in created:
        click.echo(f"created {topic}")
    click.echo(f"{len(created)} created, {len(done) - len(created)} existed")


@click.command("list")
@json_option
def list_topics(*, as_json: bool) -> None:
    """List our topics with their partitions; 0 means that the topic is missing."""
    from workers.edge import Edge

    found = Edge(load().kafka).topics()
    if as_json:
        print_json({"items": [{"topic": name, "partitions": count} for name, count in found.items()], "next": None})
    else:
        print_table(["topic", "partitions"], [(name, count or "missing") for name, count in found.items()])


@click.command("lag")
@click.option(
    "--stage", type=click.Choice(list(dict.fromkeys(stage.name for stage in STAGES))), help="Only this stage."
)
@click.option("--lane", type=click.Choice([str(lane) for lane in Lane]), help="Only this lane.")
@click.option("--group", metavar="GROUP", help="Only this consumer group, such as convmine.asr.batch.")
@json_option
def lag_of_topics(stage: str | None, lane: str | None, group: str | None, *, as_json: bool) -> None:
    """How many records each stage has not done yet."""
    from workers.edge import Edge

    settings = load().kafka
    chosen = [
        one
        for one in STAGES
        if stage in {None, one.name}
        and lane in {None, str(one.lane)}
        and group in {None, one.group, settings.topic_prefix + one.group}
    ]
    if not chosen:
        raise click.UsageError(f"no stage is all of this; the groups are {', '.join(one.group for one in STAGES)}")
    rows = Edge(settings).lag(chosen)
    if as_json:
        items = [
            {
                "stage": row.stage,
                "lane": row.lane,
                "group": row.group,
                "topic": row.topic,
                "partition": row.partition,
                "committed": row.committed,
                "end": row.end,
                "lag": row.behind,
            }
            for row in rows
        ]
        print_json({"items": items, "next": None})
        return
    sums: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for row in rows:
        sums[row.stage, row.lane, row.group, row.topic] += row.behind
    print_table(["stage", "lane", "group", "topic", "lag"], [(*key, behind) for key, behind in sums.items()])


@click.command("tail")
@click.argument("topic")
@click.option("--from-start", is_flag=True, help="Begin with the oldest record instead of now.")
@click.option("--follow/--no-follow", default=True, help="Go on for ever, or end at the topic's present end.")
@click.option("--limit", type=click.IntRange(min=1), help="Stop after so many records.")
@json_option
def tail_topic(topic: str, *, from_start: bool, follow: bool, limit: int | None, as_json: bool) -> None:
    """Print the events of TOPIC, one JSON object a line."""
    from workers.edge import Edge

    records = Edge(load().kafka).tail(topic, from_start=from_start, follow=follow)
    for record in islice(records, limit):
        key = (record.key or b"").decode(errors="replace")
        headers = {name: value.decode(errors="replace") for name, value in record.headers}
        value = _value(record.value)
        if as_json:
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            click.echo(json.dumps({**place, "key": key, "headers": headers, "value": value}, ensure_ascii=False))
        else:
            kind = headers.get("ce_type", "?").removeprefix("io.convmine.")
            click.echo(f"{record.partition}:{record.offset} {key} {kind} {json.dumps(value, ensure_ascii=False)}")


def _value(value: bytes | None) -> object:
    if value is None:
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value.decode(errors="replace")
