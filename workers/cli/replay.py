"""``convmine replay``: rebuild what Qdrant holds from what Kafka still has."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from workers.edge import Spans
    from workers.replaying import Replayed


class _Place(click.ParamType):
    """An offset, a time ago such as ``7d``, or a date."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own
        from workers.cli.since import Since

        text = str(value)
        return int(text) if text.isascii() and text.isdigit() else Since().convert(value, param, ctx)


class _Start(_Place):
    """The same, or ``earliest``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own
        return value if value == "earliest" else super().convert(value, param, ctx)


@click.command()
@click.option("--topic", "topics", multiple=True, metavar="TOPIC", help="Only this topic; may repeat.")
@click.option(
    "--from",
    "start",
    required=True,
    type=_Start(),
    metavar="earliest|TIME|OFFSET",
    help="All that Kafka still has; from a time, such as 7d or 2026-03-31; from an offset, with one --topic.",
)
@click.option("--until", type=_Place(), metavar="TIME|OFFSET", help="Up to there; what there is now if not given.")
@click.option("--dry-run", is_flag=True, help="Only say how many events that are.")
@json_option
def replay(topics: tuple[str, ...], start: Any, until: Any, *, dry_run: bool, as_json: bool) -> None:  # noqa: ANN401 - see _Start
    """Hand events to the index stage again, which writes them to Qdrant: after its data was lost, or a fault in it.

    What is there is overwritten by the same; nothing doubles, so a replay that broke off can be run again, from where
    it says or from the start. Erased calls are passed over. Workers may go on meanwhile. No dead letters are written:
    what cannot be handled is listed.
    """
    from pipeline.settings import load
    from workers.replaying import TOPICS
    from workers.replaying_spans import Topics

    if wrong := sorted(set(topics) - TOPICS.keys()):
        raise click.UsageError(f"the index stage does not read {wrong[0]!r}; it reads {', '.join(TOPICS)}")
    if (isinstance(start, int) or isinstance(until, int)) and len(set(topics)) != 1:
        raise click.UsageError("an offset is of one topic: give one --topic, or a time")
    settings = load()
    spans = Topics(settings.kafka).spans([*dict.fromkeys(topics or TOPICS)], start, until, datetime.now(UTC))
    if dry_run:
        _print_plan(spans, as_json=as_json)
        return
    began = time.monotonic()
    done = _replay(settings, spans, quiet=as_json or not sys.stderr.isatty())
    _print(done, time.monotonic() - began, as_json=as_json)


def _replay(settings: Settings, spans: Spans, *, quiet: bool) -> Replayed:
    from workers import logs
    from workers.cli.progress import stage_bars
    from workers.replaying_on_kafka import replay_on_kafka

    calm = settings.log.model_copy(update={"level": "warning"} if settings.log.level == "info" else {})
    logs.configure(calm)
    known = sum(map(len, spans.values()))
    with stage_bars(quiet=quiet) as follow:
        return asyncio.run(replay_on_kafka(settings, spans, lambda done: follow({"replay": (done, known)})))


def _by_topic(spans: Spans) -> Mapping[str, int]:
    counts = dict.fromkeys((topic for topic, _ in spans), 0)
    for (topic, _), span in spans.items():
        counts[topic] += len(span)
    return counts


def _print_plan(spans: Spans, *, as_json: bool) -> None:
    counts = _by_topic(spans)
    if as_json:
        items = [
            {"topic": topic, "partition": partition, "from": span.start, "until": span.stop, "offsets": len(span)}
            for (topic, partition), span in spans.items()
        ]
        print_json({"dry_run": True, "offsets": sum(counts.values()), "items": items})
        return
    print_table(("topic", "events"), [(topic, f"{count:,}") for topic, count in counts.items()])
    click.echo(f"{sum(counts.values()):,} events would be replayed")


def _print(done: Replayed, seconds: float, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "dry_run": False,
                "events": done.events,
                "handled": done.handled,
                "skipped": done.skipped,
                "erased": done.erased,
                "erased_calls": done.erased_calls,
                "unhandled": _unhandled(done),
                "seconds": round(seconds, 3),
            }
        )
        return
    for one in _unhandled(done):
        click.echo(plain(f"cannot be handled: {one['event']}, call {one['call_id']}: {one['reason']}"))
    click.echo(f"replayed {done.handled:,} events in {seconds:.1f} s")
    if done.erased:
        click.echo(f"passed over {done.erased:,} events of {done.erased_calls:,} erased calls")
    if done.skipped:
        click.echo(f"skipped {done.skipped:,} events of an unknown type, or replayed for another stage")
    if done.unhandled:
        click.echo(
            f"{len(done.unhandled):,} cannot be handled; convmine dlq list --stage index shows their dead letters"
        )


def _unhandled(done: Replayed) -> Sequence[Mapping[str, str]]:
    return [
        {
            "event": f"{one.position.topic}:{one.position.partition}:{one.position.offset}",
            "call_id": one.call_id,
            "reason": one.reason,
        }
        for one in done.unhandled
    ]
