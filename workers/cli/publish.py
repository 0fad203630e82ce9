"""``convmine publish``: announce a recording or publish a text conversation, as a telephone system would."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from pipeline.errors import ConvmineError
from pipeline.settings import Settings, load
from schemas.wire import CallEvent
from workers.cli.facts import CHANNEL_ROLE, LANGUAGE, RAW
from workers.cli.output import json_option, print_json


@click.command("recording")
@click.argument("recording")
@click.option("--call-id", required=True, help="The id of the call.")
@click.option("--channel", "channels", multiple=True, type=CHANNEL_ROLE, help="Who is on a channel; may repeat.")
@click.option("--scenario", help="Scenario of the call; the workers' default if not given.")
@click.option("--language", type=LANGUAGE, help="Language of the call, such as en or zh; recognised if not given.")
@click.option("--agent", help="Pseudonymous id of the agent.")
@click.option("--customer", help="Pseudonymous id of the customer.")
@click.option("--started-at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="Start, such as 2026-01-31T09:00:00Z.")
@click.option("--consent/--no-consent", default=None, help="Whether the customer agreed to the analysis.")
@click.option("--revision", type=click.IntRange(min=1), default=1, show_default=True)
@click.option("--raw", type=RAW, help="What a header would say, for audio without one.")
@click.option("--split", type=click.Choice(["silence", "markers"]), help="It holds many calls: where to cut it.")
@click.option("--marker", "markers", multiple=True, type=click.FloatRange(min=0), help="Second to cut at; may repeat.")
@json_option
def publish_recording(  # noqa: PLR0913 - one argument an option
    *,
    recording: str,
    call_id: str,
    channels: tuple[object, ...],
    scenario: str | None,
    language: str | None,
    agent: str | None,
    customer: str | None,
    started_at: datetime | None,
    revision: int,
    consent: bool | None,
    raw: object,
    split: str | None,
    markers: tuple[float, ...],
    as_json: bool,
) -> None:
    """Announce RECORDING, a local file or a URI that the workers can read."""
    from pipeline.asr.fetch import sha256_of
    from schemas.audio import RecordingAvailable

    if (markers and split == "silence") or (split == "markers" and not markers):
        raise click.UsageError("--split markers needs --marker, and --split silence takes none")
    local = None if "://" in recording else Path(recording).resolve()
    if local is not None and not local.is_file():
        raise ConvmineError(f"there is no file {recording}")
    payload = RecordingAvailable.model_validate(
        {
            "call_id": call_id,
            "call": {
                "scenario": scenario,
                "language": language,
                "agent": agent,
                "customer_id": customer,
                "started_at": started_at,
                "consent": consent,
            },
            "revision": revision,
            "dataref": local.as_uri() if local else recording,
            "sha256": sha256_of(local) if local else None,
            "channels": channels,
            "raw": raw,
            "split": "markers" if markers and split is None else split,
            "markers_ms": [round(marker * 1_000) for marker in markers],
        }
    )
    _publish(load(), payload, as_json=as_json)


@click.command("transcript")
@click.argument("conversation", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--revision", type=click.IntRange(min=1), default=1, show_default=True)
@json_option
def publish_transcript(conversation: Path, revision: int, *, as_json: bool) -> None:
    """Publish the text conversation in the JSON file CONVERSATION; personal numbers are masked before it leaves."""
    from pipeline.conversation import read_conversation, transcript_of
    from pipeline.privacy.entry import masked

    settings = load()
    transcript = transcript_of(
        read_conversation(conversation.read_bytes()),
        settings.tenant,
        revision=revision,
        default_scenario=settings.extract.scenario,
    )
    _publish(settings, masked(transcript), as_json=as_json)


def _publish(settings: Settings, payload: CallEvent, *, as_json: bool) -> None:
    from workers.claims import claims_of
    from workers.edge import Edge
    from workers.entry import entry_record
    from workers.tracing.hops import sending
    from workers.tracing.opened import hops_from

    entry = entry_record(payload, tenant_id=settings.tenant, time=datetime.now(UTC))
    record = asyncio.run(claims_of(settings).put_away(entry))
    with hops_from(settings) as hops_of, sending(hops_of(None), [record]) as carrying:
        ((topic, partition, offset),) = Edge(settings.kafka).publish(carrying)
    if as_json:
        print_json({"topic": topic, "partition": partition, "offset": offset, "key": record.key.decode()})
    else:
        click.echo(f"published to {topic}, partition {partition}, offset {offset}")
