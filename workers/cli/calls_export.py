"""``convmine calls transcript`` and ``calls audio``: one call for other programs and for people's ears, both masked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from pipeline.settings import Settings

_FORMATS: Final = ("txt", "srt", "vtt", "json", "vcon")


@click.command()
@click.argument("call_id")
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    help="txt (the default): a line a turn; srt, vtt: subtitles; json: the stored segments with the times of their "
    "words; vcon: the JSON container for conversations of the IETF, unsigned.",
)
@json_option
def call_transcript(call_id: str, form: str | None, *, as_json: bool) -> None:
    """Print the words of the call CALL_ID as they are stored: masked, in whatever format. --json is --format json."""
    from pipeline.transcripts.formats import FORMATS

    if as_json and form not in {None, "json"}:
        raise click.UsageError("--json prints --format json; give one of them", click.get_current_context())
    from pipeline.questions.question import ReadTranscript, ShowCall
    from workers.cli.questions.asking import ask

    transcript = asyncio.run(ask(ReadTranscript(call=call_id)))
    if form == "vcon":
        from pipeline.transcripts.formats import as_vcon

        click.echo(as_vcon(transcript, asyncio.run(ask(ShowCall(call=call_id)))), nl=False)
    else:
        click.echo(FORMATS["json" if as_json else form or "txt"](transcript), nl=False)
    if not transcript.segments:
        click.echo(f"of call {call_id} no words are stored", err=True)


@click.command()
@click.argument("call_id")
@click.option(
    "--recording",
    required=True,
    metavar="FILE|URI",
    help="The call's recording: a file, or a URI that workers may read (CONVMINE_AUDIO_ALLOWED_HOSTS and …_ROOTS).",
)
@click.option(
    "--begins-at",
    type=click.FloatRange(min=0),
    default=0.0,
    help="Seconds into the recording at which this call begins, where it is one of several in it.",
)
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The WAV file to write.")
@json_option
def call_audio(call_id: str, recording: str, begins_at: float, out: Path, *, as_json: bool) -> None:
    """Write the recording of the call CALL_ID as WAV, all channels silent where its transcript is masked.

    Prints how long it is and how much of that is silent now.
    """
    from pipeline.privacy.muting import hidden, write_muted
    from pipeline.questions.question import ReadTranscript
    from pipeline.settings import load
    from workers.cli.questions.asking import ask

    if out.exists() and "://" not in recording and out.samefile(recording):
        raise click.UsageError("--out is the recording itself; give another file", click.get_current_context())
    settings = load()

    async def write() -> dict[str, object]:
        transcript = await ask(ReadTranscript(call=call_id))
        spans = hidden(transcript.segments, later_ms=round(begins_at * 1_000))
        async with _fetched(settings, recording) as path:
            done = await asyncio.to_thread(write_muted, path, out, spans)
        return {
            "call_id": call_id,
            "out": str(out),
            "seconds": round(done.seconds, 3),
            "muted_s": round(done.muted_s, 3),
            "masked": len(spans),
        }

    try:
        said = asyncio.run(write())
    except OSError as error:
        raise ConvmineError(f"{error.filename or out} cannot be used: {error.strerror or error}") from error
    if as_json:
        print_json(said)
    else:
        click.echo(f"wrote {said['seconds']} s to {out}, of which {said['muted_s']} s are muted")


@asynccontextmanager
async def _fetched(settings: Settings, recording: str) -> AsyncIterator[Path]:
    """A file as it lies there, whoever runs this may read it; what is elsewhere as the workers would fetch it."""
    if "://" not in recording:
        yield Path(recording)
        return
    from pipeline.asr.fetch import build_store
    from pipeline.ports import ClaimCheck

    async with build_store(settings.audio).fetch(ClaimCheck(recording)) as path:
        yield path
