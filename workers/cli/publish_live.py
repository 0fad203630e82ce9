"""``convmine publish live``: play files as live calls, chunk by chunk, as a telephone system would send them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import click

from pipeline.errors import Poison
from pipeline.intervals import joined
from pipeline.settings import Settings, load
from schemas.wire import CallFacts, Channel
from workers.cli.facts import CHANNEL_ROLE, LANGUAGE
from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from pipeline.asr.decode import Audio
    from workers.entry import LiveCall
    from workers.playing import Performance, Played

_RATE_HZ: Final = 16_000
_STOPPED: Final = "stopped"
_EXIT_STOPPED: Final = 130


class _Hold(click.ParamType):
    """From which second of the call to which, in milliseconds."""

    name = "FROM-TO"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        first, _, last = str(value).partition("-")
        try:
            hold = round(float(first) * 1_000), round(float(last) * 1_000)
        except (ValueError, OverflowError):
            hold = 0, 0
        if not 0 < hold[0] < hold[1]:
            self.fail(f"{value!r}: expected seconds of the call, such as 10-25.5", param, ctx)
        return hold


@click.command("live")
@click.argument(
    "recordings",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="2 is double; 0 is as fast as it can be published.",
)
@click.option(
    "--chunk-ms", type=click.IntRange(20, 5_000), default=200, show_default=True, help="Milliseconds of audio a chunk."
)
@click.option(
    "--hold",
    "holds",
    multiple=True,
    type=_Hold(),
    help="Seconds that every call is on hold, such as 10-25: no audio is sent then; may repeat.",
)
@click.option("--call-id", "call_ids", multiple=True, help="The id of a call, one a file; new ones if not given.")
@click.option("--channel", "channels", multiple=True, type=CHANNEL_ROLE, help="Who is on a channel; may repeat.")
@click.option("--scenario", help="Scenario of the calls; the workers' default if not given.")
@click.option("--language", type=LANGUAGE, help="Language of the calls, such as en or zh; recognised if not given.")
@click.option("--agent", help="Pseudonymous id of the agent.")
@click.option("--customer", help="Pseudonymous id of the customer.")
@click.option("--consent/--no-consent", default=None, help="Whether the customer agreed to the analysis.")
@json_option
def publish_live(  # noqa: PLR0913 - one argument an option
    *,
    recordings: tuple[Path, ...],
    speed: float,
    chunk_ms: int,
    holds: tuple[tuple[int, int], ...],
    call_ids: tuple[str, ...],
    channels: tuple[Channel, ...],
    scenario: str | None,
    language: str | None,
    agent: str | None,
    customer: str | None,
    consent: bool | None,
    as_json: bool,
) -> None:
    """Play each FILE as a live call: its start, its audio in chunks, its end; several at the same time.

    Prints the id of each call and where its events went. Ctrl-C ends the calls there, as if all had hung up.
    """
    from workers.entry import LiveCall

    if call_ids and len(set(call_ids)) != len(recordings):
        raise click.UsageError("give --call-id once for each file, each another", click.get_current_context())
    settings = load()
    facts = CallFacts(scenario=scenario, language=language, agent=agent, customer_id=customer, consent=consent)
    ids = call_ids or tuple(f"live-{uuid4().hex[:12]}" for _ in recordings)
    on_hold = tuple(joined(holds))
    calls = [
        LiveCall(call_id, _decoded(path, channels, settings), channels, facts, chunk_ms, on_hold)
        for call_id, path in zip(ids, recordings, strict=True)
    ]
    if on_hold and (short := min(call.audio.duration_ms for call in calls)) <= on_hold[-1][1]:
        raise click.UsageError(
            f"a hold ends after the end of a call of {short / 1_000:.1f} s", click.get_current_context()
        )
    if not as_json:
        for call, path in zip(calls, recordings, strict=True):
            click.echo(
                f"playing {call.audio.duration_ms / 1_000:.0f} s of {path.name} as call {call.call_id}", err=True
            )
    performance = _perform(calls, settings, speed)
    items = [
        {"call_id": call.call_id, "file": str(path), **_told(played)}
        for call, path, played in zip(calls, recordings, performance.calls, strict=True)
    ]
    if as_json:
        many = {"items": items, "next": None}
        print_json((items[0] if len(items) == 1 else many) | {"late_ms": round(performance.late_ms, 1)})
    else:
        _print(items, performance.late_ms)
    if not all(played.whole for played in performance.calls):
        sys.exit(_EXIT_STOPPED)


def _decoded(path: Path, channels: tuple[Channel, ...], settings: Settings) -> Audio:
    from pipeline.asr.decode import Limits, decode
    from pipeline.asr.stage import check_channels, roles

    try:
        audio = decode(path, sample_rate_hz=_RATE_HZ, limits=Limits(settings.audio.max_duration_s))
        check_channels(roles(channels), audio.channels)
    except Poison as error:
        raise Poison(f"{path}: {error.message}", hint=error.hint) from error
    return audio


def _perform(calls: Sequence[LiveCall], settings: Settings, speed: float) -> Performance:
    """Play the calls; those that were stopped get an end."""
    from schemas.call import CallEnded
    from workers.edge import Edge
    from workers.entry import entry_record, live_records
    from workers.playing import play, stopped_by_signal
    from workers.tracing.opened import hops_from

    with stopped_by_signal() as stop, hops_from(settings) as hops_of, Edge(settings.kafka).publishing() as publish:
        started_at = datetime.now(UTC)
        courses = [live_records(call, tenant_id=settings.tenant, started_at=started_at) for call in calls]
        if (hops := hops_of(None)) is not None:
            courses = [hops.playing(course) for course in courses]
        performance = play(courses, publish, speed=speed, stop=stop)
        for call, played in zip(calls, performance.calls, strict=True):
            if played.events and not played.whole:
                end = CallEnded(call_id=call.call_id, duration_ms=played.up_to_ms, reason=_STOPPED)
                record = entry_record(
                    end, tenant_id=settings.tenant, time=started_at + timedelta(milliseconds=played.up_to_ms)
                )
                (place,) = publish([record])
                played.went(place, played.up_to_ms, is_last=False)
    return performance


def _told(played: Played) -> dict[str, object]:
    topic, partition, first = played.first or (None, None, None)
    return {
        "events": played.events,
        "duration_ms": played.up_to_ms,
        "stopped": not played.whole,
        "topic": topic,
        "partition": partition,
        "first_offset": first,
        "last_offset": played.last[2] if played.last else None,
    }


def _print(items: Sequence[dict[str, Any]], late_ms: float) -> None:
    for one in items:
        who = f"call {one['call_id']}" + " (stopped)" * one["stopped"]
        where = f"partition {one['partition']}, offsets {one['first_offset']} to {one['last_offset']}"
        click.echo(f"{who}: published {one['events']} events to {one['topic']}, {where}" if one["events"] else who)
    click.echo(f"no event went out more than {late_ms:.0f} ms late", err=True)
