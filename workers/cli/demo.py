"""``convmine demo``: the whole pipeline in one process, on the sample calls or on anyone's own."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.errors import ConvmineError, Poison
from pipeline.settings import Settings, load
from schemas.wire import CallFacts, Channel
from workers.cli.facts import CHANNEL_ROLE, LANGUAGE
from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from pipeline.erasure.erased import Erased
    from pipeline.ports import VectorStore
    from pipeline.samples import Entry
    from pipeline.store.answers import CallView
    from workers.records import NewRecord

_TEXT_SUFFIXES: Final = {".json"}
MOST_MADE_UP: Final = 1_000_000
_MADE_UP_UTTERANCES: Final = 9
"""Of a made-up call on average: 2,000 calls stay below the 20,000 points up to which local mode is quick."""


@click.command("demo")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--channel", "channels", multiple=True, type=CHANNEL_ROLE, help="Who is on a channel, such as 0=agent.")
@click.option("--language", type=LANGUAGE, help="Language of your files, such as en or zh.")
@click.option("--scenario", help="Scenario of your files.")
@click.option("--synthetic", type=click.IntRange(1, MOST_MADE_UP), help="Store so many made-up calls as well.")
@click.option("--no-samples", is_flag=True, help="With --synthetic: leave the sample calls out.")
@click.option("--live", is_flag=True, help="Play the sample calls, and show them on the dashboard.")
@click.option("--port", type=click.IntRange(0, 65_535), help="With --live: instead of 8090; 0 is a free one.")
@click.option("--no-open", is_flag=True, help="With --live: open no browser.")
@json_option
def demo(  # noqa: PLR0913 - one argument an option
    *,
    files: tuple[Path, ...],
    channels: tuple[Channel, ...],
    language: str | None,
    scenario: str | None,
    synthetic: int | None,
    no_samples: bool,
    live: bool,
    port: int | None,
    no_open: bool,
    as_json: bool,
) -> None:
    """Mine the sample calls, or your own recordings and conversations FILES, here and now.

    With --live they are played as they were spoken, until Ctrl-C, and a page shows what is found meanwhile.

    Needs no server, no key and no GPU. What is found stays in the local store; a second run writes the same again.
    Made-up calls say that they are: their ids begin with synthetic-, their campaign is "synthetic".
    """
    from workers import logs
    from workers.entry import entry_record

    if no_samples and (files or synthetic is None):
        raise click.UsageError("--no-samples goes with --synthetic, and without files")
    if live and (files or no_samples or as_json):
        raise click.UsageError("--live plays the sample calls: it takes no files, no --no-samples and no --json")
    if not live and (no_open or port is not None):
        raise click.UsageError("--port and --no-open go with --live")
    settings = _for_demo(load(), files)
    logs.configure(settings.log)
    if synthetic is not None:
        asyncio.run(_make_up(settings, synthetic, quiet=as_json))
    if live:
        from workers.cli.demo_live import play_live

        play_live(settings, port, opens=not no_open)
        return
    if no_samples:
        _report_made_up(synthetic, as_json=as_json)
        return
    facts = CallFacts(language=language, scenario=scenario)
    entries = _own(files, channels, facts, settings) if files else _samples(settings.tenant)
    records = [entry_record(payload, tenant_id=settings.tenant, time=time) for payload, time in entries]
    if not as_json:
        _introduce(settings, len(records), own=bool(files))
    ids = [payload.call_id for payload, _ in entries]
    views = asyncio.run(_run(settings, records, ids, quiet=as_json))
    if as_json:
        from workers.cli.calls import call_document

        print_json({"items": [call_document(view) for view in views], "next": None})
    else:
        _report(views, settings, recorded=any(path.suffix.lower() not in _TEXT_SUFFIXES for path in files))
    if failed := [view.row.call_id for view in views if view.row.failed]:
        raise ConvmineError(f"{len(failed)} of {len(views)} could not be mined: {', '.join(failed)}")


def _for_demo(settings: Settings, files: Sequence[Path]) -> Settings:
    """The offline engine unless one is set, the folders of the files allowed, and a quiet log."""
    from pipeline import samples

    roots = {path.resolve().parent for path in files} or {samples.folder()}
    asr = settings.asr
    if "engine" not in asr.model_fields_set:
        asr = asr.model_copy(update={"engine": "pocketsphinx"})
    log = settings.log.model_copy(update={"level": "error"} if settings.log.level == "info" else {})
    audio = settings.audio.model_copy(update={"allowed_roots": (*settings.audio.allowed_roots, *sorted(roots))})
    return settings.model_copy(update={"asr": asr, "audio": audio, "log": log})


def _samples(tenant_id: str) -> list[Entry]:
    from pipeline import samples
    from pipeline.privacy.entry import masked

    chats = [(masked(transcript), time) for transcript, time in samples.conversations(tenant_id)]
    return [*samples.recordings(), *chats]


def _own(files: Sequence[Path], channels: tuple[Channel, ...], facts: CallFacts, settings: Settings) -> list[Entry]:
    entries: list[Entry] = []
    for path in files:
        if path.suffix.lower() in _TEXT_SUFFIXES:
            entries.append(_conversation(path, facts, settings))
        else:
            entries.append(_recording(path, channels, facts))
    return entries


def _conversation(path: Path, facts: CallFacts, settings: Settings) -> Entry:
    from pipeline.conversation import read_conversation, transcript_of
    from pipeline.privacy.entry import masked

    try:
        conversation = read_conversation(path.read_bytes())
    except Poison as error:
        raise ConvmineError(f"{path}: {error.message}", hint="docs/formats.md shows a conversation") from error
    transcript = transcript_of(conversation, settings.tenant, default_scenario=settings.extract.scenario)
    given = {name: value for name, value in facts if value is not None}
    call = transcript.call.model_copy(update=given)
    merged = transcript.model_copy(update={"call": call, "language": call.language})
    return masked(merged), call.started_at or _changed_at(path)


def _recording(path: Path, channels: tuple[Channel, ...], facts: CallFacts) -> Entry:
    from pipeline.asr.fetch import sha256_of
    from schemas.audio import RecordingAvailable

    sha256 = sha256_of(path)
    payload = RecordingAvailable(
        call_id=f"{path.stem[:100]}-{sha256[:8]}",
        call=facts.model_copy(update={"started_at": _changed_at(path)}),
        dataref=path.resolve().as_uri(),
        sha256=sha256,
        channels=channels,
    )
    return payload, _changed_at(path)


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


async def _run(settings: Settings, records: Sequence[NewRecord], ids: Sequence[str], *, quiet: bool) -> list[CallView]:
    from pipeline.store.calls import show_call
    from workers.cli.progress import stage_bars
    from workers.embedded import run_embedded

    views: list[CallView] = []

    async def collect(store: VectorStore, erased: Erased) -> None:
        for call_id in ids:
            if (since := erased.since(settings.tenant, call_id)) is not None:
                click.echo(f"{call_id} was erased on {since.date()}, and stays so", err=True)
            else:
                views.append(await show_call(store, call_id, tenant_id=settings.tenant))

    with stage_bars(quiet=quiet) as progress:
        await run_embedded(settings, records, progress, collect)
    return views


async def _make_up(settings: Settings, calls: int, *, quiet: bool) -> None:
    from pipeline.samples.synthetic.calls import synthetic_calls
    from workers.cli.progress import stage_bars
    from workers.made_up import store_made_up

    events = synthetic_calls(
        calls, tenant_id=settings.tenant, until=datetime.now(UTC), utterances_per_call=_MADE_UP_UTTERANCES
    )
    with stage_bars(quiet=quiet) as progress:
        await store_made_up(settings, events, lambda stored: progress({"made up": (stored, calls)}))


def _report_made_up(calls: int | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"made_up": calls})
        return
    program = shlex.quote(str(Path(sys.executable).parent / "convmine"))
    click.echo(f"{calls} made-up calls of the last 12 weeks are stored; their campaign is synthetic.\n\nNext:")
    click.echo(f"  {program} query --where campaign=synthetic")


def _introduce(settings: Settings, count: int, *, own: bool) -> None:
    noun = "conversation" if count == 1 else "conversations"
    whose = "of yours" if own else "that ship with convmine"
    store = settings.store.url or settings.store.path
    click.echo(f"{count} {noun} {whose} → {settings.asr.engine} → {settings.extract.extractor} → Qdrant at {store}\n")


def _report(views: Sequence[CallView], settings: Settings, *, recorded: bool) -> None:
    from workers.cli.calls import print_call

    for view in views:
        print_call(view)
        click.echo()
    if recorded and settings.asr.engine == "pocketsphinx":
        click.echo(_HOW_FAR_TO_TRUST)
    click.echo(_next_commands(views))


_HOW_FAR_TO_TRUST: Final = """
How far to trust this: pocketsphinx is the offline engine for trying things out. It reads clear wide-band English well
(about 5 % of the words wrong on the sample calls), gets most words of a real 8 kHz telephone line wrong (77 %
measured), and knows no other language. For real calls set CONVMINE_ASR_ENGINE to
  whisper          openai-whisper on this machine    (pip install 'convmine[whisper]')
  faster-whisper   CTranslate2 on this machine       (pip install 'convmine[faster-whisper]')
  openai           any server that speaks /v1/audio/transcriptions (CONVMINE_ASR_BASE_URL)
and CONVMINE_EXTRACT_EXTRACTOR to llm to mine with a language model (OPENAI_API_KEY, or CONVMINE_LLM_BASE_URL for your
own server)."""


def _next_commands(views: Sequence[CallView]) -> str:
    """Three commands that work as typed: this environment's own path, words and names that were really found."""
    program = shlex.quote(str(Path(sys.executable).parent / "convmine"))
    intents = [intent for view in views for intent in view.intents if intent.role == "customer"]
    intents = intents or [intent for view in views for intent in view.intents]
    if not intents:
        return f"\nNext:\n  {program} calls list"
    counts: Mapping[str, int] = {name: sum(i.name == name for i in intents) for name in {i.name for i in intents}}
    name = max(sorted(counts), key=counts.__getitem__)
    found = next(intent for intent in intents if intent.name == name)
    words = " ".join(found.quote.split()[:6])
    return "\n".join(
        [
            "\nNext:",
            f"  {program} search {shlex.quote(words)}",
            f"  {program} calls show {shlex.quote(found.call_id)}",
            f"  {program} query --intent {shlex.quote(name)}",
        ]
    )
