"""``convmine publish live``: play a file as a live call, chunk by chunk, as a telephone system would send it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import click

from pipeline.settings import load
from schemas.wire import CallFacts, Channel
from workers.cli.facts import CHANNEL_ROLE, LANGUAGE
from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from workers.records import NewRecord

_RATE_HZ: Final = 16_000


@click.command("live")
@click.argument("recording", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE")
@click.option(
    "--speed", type=click.FloatRange(min=0, min_open=True), default=1.0, show_default=True, help="2 is double."
)
@click.option("--call-id", help="The id of the call; a new one if not given.")
@click.option("--channel", "channels", multiple=True, type=CHANNEL_ROLE, help="Who is on a channel; may repeat.")
@click.option("--scenario", help="Scenario of the call; the workers' default if not given.")
@click.option("--language", type=LANGUAGE, help="Language of the call, such as en or zh; recognised if not given.")
@click.option("--agent", help="Pseudonymous id of the agent.")
@click.option("--customer", help="Pseudonymous id of the customer.")
@click.option("--consent/--no-consent", default=None, help="Whether the customer agreed to the analysis.")
@json_option
def publish_live(  # noqa: PLR0913 - one argument an option
    *,
    recording: Path,
    speed: float,
    call_id: str | None,
    channels: tuple[Channel, ...],
    scenario: str | None,
    language: str | None,
    agent: str | None,
    customer: str | None,
    consent: bool | None,
    as_json: bool,
) -> None:
    """Play FILE as a live call; stopped with Ctrl-C, the call is left without an end."""
    from pipeline.asr.decode import Limits, decode
    from pipeline.asr.stage import check_channels, roles
    from workers.edge import Edge
    from workers.entry import LiveCall, live_records

    settings = load()
    audio = decode(recording, sample_rate_hz=_RATE_HZ, limits=Limits(settings.audio.max_duration_s))
    check_channels(roles(channels), audio.channels)
    facts = CallFacts(scenario=scenario, language=language, agent=agent, customer_id=customer, consent=consent)
    call = LiveCall(call_id or f"live-{uuid4().hex[:12]}", audio, channels, facts)
    if not as_json:
        click.echo(f"playing {audio.duration_ms / 1_000:.0f} s as call {call.call_id}", err=True)
    with Edge(settings.kafka).publishing() as publish:
        records = live_records(call, tenant_id=settings.tenant, started_at=datetime.now(UTC))
        sent = _played(records, speed, publish)
    (topic, partition, first), (_, _, last) = sent[0], sent[-1]
    if as_json:
        place = {"topic": topic, "partition": partition, "first_offset": first, "last_offset": last}
        print_json({"call_id": call.call_id, "events": len(sent), "duration_ms": audio.duration_ms, **place})
    else:
        click.echo(f"published {len(sent)} events to {topic}, partition {partition}, offsets {first} to {last}")


def _played(
    records: Iterable[tuple[int, NewRecord]],
    speed: float,
    publish: Callable[[Sequence[NewRecord]], list[tuple[str, int, int]]],
) -> list[tuple[str, int, int]]:
    """Publish each record when it is due; where each of them went."""
    started = time.monotonic()
    sent: list[tuple[str, int, int]] = []
    for due_ms, record in records:
        time.sleep(max(0.0, started + due_ms / 1_000 / speed - time.monotonic()))
        sent += publish([record])
    return sent
