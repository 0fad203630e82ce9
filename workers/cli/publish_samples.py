"""``convmine publish samples``: the calls and chats that ship with convmine, into Kafka, to see that all works."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError
from pipeline.settings import Settings, load
from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from pipeline.samples import Entry
    from schemas.audio import RecordingAvailable
    from workers.records import NewRecord


@click.command("samples")
@click.option(
    "--audio-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that the recordings are copied to first, where workers read them; where they are if not given.",
)
@json_option
def publish_samples(audio_to: Path | None, *, as_json: bool) -> None:
    """Publish the calls and chats that ship with convmine; a second time changes nothing.

    Workers read the recordings at the same path, which lies in one of CONVMINE_AUDIO_ALLOWED_ROOTS.
    """
    from workers.edge import Edge
    from workers.tracing.hops import sending
    from workers.tracing.opened import hops_from

    settings = load()
    entries = _entries(settings.tenant, audio_to)
    records = asyncio.run(_records(entries, settings))
    with hops_from(settings) as hops_of, sending(hops_of(None), records) as carrying:
        places = Edge(settings.kafka).publish(carrying)
    items = [
        {"call_id": payload.call_id, "topic": topic, "partition": partition, "offset": offset}
        for (payload, _), (topic, partition, offset) in zip(entries, places, strict=True)
    ]
    if as_json:
        print_json({"items": items, "next": None})
        return
    for item in items:
        click.echo("{call_id}: {topic}, partition {partition}, offset {offset}".format_map(item))


def _entries(tenant_id: str, audio_to: Path | None) -> list[Entry]:
    from pipeline import samples
    from pipeline.privacy.entry import masked
    from schemas.audio import RecordingAvailable

    recordings: list[Entry] = [
        (_copied(payload, audio_to) if isinstance(payload, RecordingAvailable) and audio_to else payload, time)
        for payload, time in samples.recordings()
    ]
    return [*recordings, *((masked(chat), time) for chat, time in samples.conversations(tenant_id))]


async def _records(entries: list[Entry], settings: Settings) -> list[NewRecord]:
    from workers.claims import claims_of
    from workers.entry import entry_record

    claims = claims_of(settings)
    return [
        await claims.put_away(entry_record(payload, tenant_id=settings.tenant, time=time)) for payload, time in entries
    ]


def _copied(payload: RecordingAvailable, folder: Path) -> RecordingAvailable:
    """The recording in this folder instead; who reads it meanwhile never sees half of it."""
    from pipeline import samples

    source = samples.sound_of(payload)
    target = folder.resolve() / source.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.part")
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise ConvmineError(f"{target} cannot be written: {error.strerror or error}") from error
    return payload.model_copy(update={"dataref": target.as_uri()})
