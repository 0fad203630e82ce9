"""``convmine publish vcon``: calls out of vCons, the IETF's JSON containers for conversations, into the pipeline."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import Config, ConvmineError, Poison
from workers.cli.facts import CHANNEL_ROLE, LANGUAGE
from workers.cli.output import json_option, plain, print_json

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.transcripts.vcon_parties import Told
    from pipeline.transcripts.vcon_reading import ReadCall, Recording
    from schemas.audio import RecordingAvailable
    from schemas.wire import CallEvent
    from workers.records import NewRecord

_SUFFIXES: Final = (".json", ".vcon", ".gz")

_SUBTYPE: Final = re.compile(r"(?:audio|video)/(?:x-)?([a-z0-9]{1,5})")
"""What the name of a recording's file ends with; only people look at it."""

_Publish = Callable[[Sequence["NewRecord"]], list[tuple[str, int, int]]]


@dataclass(frozen=True, slots=True)
class _Importing:
    """How files are imported: ``hear`` prefers recordings to transcripts, whose files go to ``audio_to``."""

    settings: Settings
    told: Told
    hear: bool
    audio_to: Path | None


@dataclass(frozen=True, slots=True)
class _Brought:
    """Where workers find a recording, its SHA-256 where it is known, and its channels; 0: not known."""

    uri: str
    sha256: str | None
    channels: int = 0


@click.command("vcon")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE|FOLDER…")
@click.option("--call-id", help="The id of the call, of one FILE; else the document's own.")
@click.option("--party", "parties", multiple=True, type=CHANNEL_ROLE, help="Who a party is, by its number; may repeat.")
@click.option("--scenario", help="Scenario of the calls; the workers' default if not given.")
@click.option("--language", type=LANGUAGE, help="Language of the calls, such as en or zh.")
@click.option("--revision", type=click.IntRange(min=1), help="Of the calls; a higher one replaces a lower.")
@click.option("--hear", is_flag=True, help="Recognise the recordings of calls that have a transcript, too.")
@click.option(
    "--audio-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where recordings inside of vCons are written; the first folder of CONVMINE_AUDIO_ALLOWED_ROOTS if not given.",
)
@json_option
def publish_vcon(  # noqa: PLR0913 - one argument an option
    *,
    files: tuple[Path, ...],
    call_id: str | None,
    parties: tuple[Any, ...],
    scenario: str | None,
    language: str | None,
    revision: int | None,
    hear: bool,
    audio_to: Path | None,
    as_json: bool,
) -> None:
    """Publish the calls in vCons: files, or folders of .json, .vcon and .gz; personal numbers are masked before.

    A call with words (text, or a transcript of a recording) is published as a conversation, one with recordings alone
    goes to speech recognition. A call that convmine exported comes back as it was. What is signed or encrypted is
    refused, as is one of an unknown version; of several files the others are published all the same.
    """
    from pipeline.settings import load
    from pipeline.transcripts.vcon_parties import Told
    from workers.edge import Edge

    chosen = list(_files(files))
    if not chosen:
        raise ConvmineError("there are no vCons there", hint=f"files end in {', '.join(_SUFFIXES)}")
    if call_id is not None and len(chosen) > 1:
        raise click.UsageError("--call-id is of one call, and there are several files")
    roles = {party.index: party.role for party in parties}
    importing = _Importing(load(), Told(roles, call_id, scenario, language, revision), hear, audio_to)
    done: list[dict[str, object]] = []
    refused: list[tuple[Path, str]] = []
    with Edge(importing.settings.kafka).publishing() as publish:
        for file in chosen:
            try:
                done += _imported(file, importing, publish, quiet=as_json)
            except Poison as error:
                refused.append((file, error.in_one_line))
    if as_json:
        print_json({"items": done, "refused": [{"file": str(file), "reason": reason} for file, reason in refused]})
    if refused:
        for file, reason in refused[1:]:
            click.echo(plain(f"convmine: {file}: {reason}"), err=True)
        raise ConvmineError(plain(f"{refused[0][0]}: {refused[0][1]}"))


def _files(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(one for one in path.rglob("*") if one.suffix in _SUFFIXES and one.is_file())
        else:
            yield path


def _imported(file: Path, importing: _Importing, publish: _Publish, *, quiet: bool) -> list[dict[str, object]]:
    """Publish what is in a file; what was published where."""
    from pipeline.transcripts.vcon_document import LARGEST, read_document
    from pipeline.transcripts.vcon_reading import call_of
    from workers.claims import claims_of
    from workers.entry import entry_record

    if file.stat().st_size > LARGEST:
        raise Poison(f"it has more than {LARGEST} bytes")
    settings = importing.settings
    call = call_of(read_document(file.read_bytes()), settings.tenant, importing.told)
    payloads = asyncio.run(_payloads(call, importing))
    entries = [entry_record(one, tenant_id=settings.tenant, time=datetime.now(UTC)) for one in payloads]
    claims = claims_of(settings)
    records = [asyncio.run(claims.put_away(entry)) for entry in entries]
    items: list[dict[str, object]] = []
    for payload, (topic, partition, offset) in zip(payloads, publish(records), strict=True):
        place = {"topic": topic, "partition": partition, "offset": offset}
        items.append({"file": str(file), "call_id": payload.call_id, **place, "passed_over": list(call.passed_over)})
        if not quiet:
            left = f"; passed over: {', '.join(call.passed_over)}" if call.passed_over else ""
            said = f"{file}: published {payload.call_id} to {topic}, partition {partition}, offset {offset}{left}"
            click.echo(plain(said))
    return items


async def _payloads(call: ReadCall, importing: _Importing) -> list[CallEvent]:
    """The events of a call: its words, masked, or its recordings."""
    from pipeline.privacy.entry import masked

    if call.transcript is not None and not (importing.hear and call.recordings):
        return [masked(call.transcript)]
    several = len(call.recordings) > 1
    return [
        await _announced(one, call, f"{call.call_id}-{number}" if several else call.call_id, importing)
        for number, one in enumerate(call.recordings, 1)
    ]


async def _announced(recording: Recording, call: ReadCall, call_id: str, importing: _Importing) -> RecordingAvailable:
    from schemas.audio import RecordingAvailable

    brought = await (_written if recording.data is not None else _checked)(recording, call_id, importing)
    return RecordingAvailable(
        call_id=call_id,
        call=call.facts.model_copy(update={"started_at": recording.started_at}),
        revision=importing.told.revision or 1,
        dataref=brought.uri,
        sha256=brought.sha256,
        # Several parties may as well be mixed on one channel, which the document does not tell: only the file does.
        channels=recording.channels if all(one.index < brought.channels for one in recording.channels) else (),
    )


async def _written(recording: Recording, call_id: str, importing: _Importing) -> _Brought:
    """Write a recording to a file that workers may read."""
    from hashlib import sha256

    from pipeline.blobs.names import segment_of

    roots = importing.settings.audio.allowed_roots
    if importing.audio_to is None and not roots:
        raise Config(
            "CONVMINE_AUDIO_ALLOWED_ROOTS",
            "names the folders that workers read recordings from; there is none to write the one in this vCon to",
            hint="set it, or give --audio-to",
        )
    assert recording.data is not None
    digest = sha256(recording.data).hexdigest()
    kind = _SUBTYPE.fullmatch(recording.mediatype or "")
    name = f"{digest}.{kind[1] if kind else 'audio'}"
    path = (importing.audio_to or roots[0]).resolve() / segment_of(call_id) / name
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        unfinished.touch(mode=0o600)
        unfinished.write_bytes(recording.data)
        unfinished.replace(path)
    except OSError as error:
        raise ConvmineError(f"{path} cannot be written: {error.strerror or error}") from error
    return _Brought(path.as_uri(), digest, _channels_in(path))


async def _checked(recording: Recording, _call_id: str, importing: _Importing) -> _Brought:
    """A recording that stays where it is; it is looked at where its SHA-256 is not told, and another hash is."""
    from hashlib import file_digest

    from pipeline.asr.fetch import build_store, sha256_of
    from pipeline.ports import ClaimCheck

    assert recording.url is not None
    if "sha256" in recording.digests or not recording.digests:
        told = recording.digests.get("sha256")
        return _Brought(recording.url, None if told is None else told.hex())
    async with build_store(importing.settings.audio).fetch(ClaimCheck(recording.url)) as path:
        for name, digest in recording.digests.items():
            with path.open("rb") as file:
                if file_digest(file, name).digest() != digest:
                    raise Poison(f"{recording.where}: the {name} of {recording.url} is not the one in content_hash")
        return _Brought(recording.url, sha256_of(path), _channels_in(path))


def _channels_in(path: Path) -> int:
    """How many channels a recording has; 0 where only speech recognition will tell."""
    import soundfile

    try:
        return int(soundfile.info(str(path)).channels)
    except RuntimeError:  # a container that libsndfile does not know
        return 0
