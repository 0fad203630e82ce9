"""``convmine eval asr``: how well an engine hears recordings whose words are known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.evaluate.asr_references import Reference
    from pipeline.evaluate.asr_run import Scored
    from pipeline.evaluate.wer import Errors
    from pipeline.settings import AsrSettings, AudioSettings

_ENGINES = ("pocketsphinx", "whisper", "faster-whisper", "openai")
_LENGTHS_S = ((30.0, "under 30 s"), (120.0, "30 to 120 s"), (float("inf"), "over 120 s"))


@click.command("asr")
@click.option(
    "--refs",
    type=click.Path(exists=True, path_type=Path),
    help="A folder of calls, or of name.wav with name.txt; or JSONL, TSV or CSV with the fields audio and text. "
    "Without it, the sample calls.",
)
@click.option("--engine", type=click.Choice(_ENGINES), help="Without it CONVMINE_ASR_ENGINE, else pocketsphinx.")
@json_option
def eval_asr(refs: Path | None, engine: str | None, *, as_json: bool) -> None:
    """Word and character error rates against references, a channel at a time."""
    from pipeline.evaluate.asr_references import read_references, sample_calls
    from pipeline.settings import load

    settings = load()
    chosen = engine or (settings.asr.engine if "engine" in settings.asr.model_fields_set else "pocketsphinx")
    references = read_references(refs or sample_calls())
    with _progress(len({reference.audio for reference in references})) as step:
        asr = settings.asr.model_copy(update={"engine": chosen})
        rows = asyncio.run(_evaluate(references, asr, settings.audio, step))
    if as_json:
        print_json(_document(rows))
    else:
        _print(rows)


async def _evaluate(
    references: Sequence[Reference], asr: AsrSettings, audio: AudioSettings, step: Callable[[], None]
) -> list[Scored]:
    from pipeline.asr.registry import build_engine
    from pipeline.asr.vad import rules_of
    from pipeline.evaluate.asr_run import evaluate

    engine = build_engine(asr)
    rows: list[Scored] = []
    try:
        async for scored in evaluate(references, engine, rules_of(audio), audio.max_duration_s):
            rows += scored
            step()
    finally:
        await engine.close()
    return rows


def _document(rows: Sequence[Scored]) -> dict[str, Any]:
    from pipeline.evaluate.wer import total

    errors = total(row.errors for row in rows)
    return {
        "wer": round(errors.wer, 4),
        "cer": round(errors.cer, 4),
        "words": errors.words,
        "by": [
            {
                "call_id": row.reference.call_id,
                "engine": row.engine,
                "channel": row.reference.channel,
                "role": row.reference.role,
                "seconds": round(row.seconds, 2),
                "wer": round(row.errors.wer, 4),
                "cer": round(row.errors.cer, 4),
                "words": row.errors.words,
                "held_out": row.reference.held_out,
            }
            for row in rows
        ],
    }


def _print(rows: Sequence[Scored]) -> None:
    print_table(
        ("call", "channel", "role", "seconds", "words", "WER", "CER"),
        [
            (
                row.reference.call_id + (" (held out)" if row.reference.held_out else ""),
                row.reference.channel,
                row.reference.role,
                f"{row.seconds:.1f}",
                row.errors.words,
                _percent(row.errors.wer),
                _percent(row.errors.cer),
            )
            for row in rows
        ],
        title=f"engine {rows[0].engine}",
    )
    print_table(("all together", "channels", "words", "WER", "CER"), _groups(rows))


def _groups(rows: Sequence[Scored]) -> Iterator[tuple[object, ...]]:
    from pipeline.evaluate.wer import total

    groups: dict[str, list[Errors]] = {}
    for row in sorted(rows, key=lambda row: row.seconds):
        names = ["all", f"role {row.reference.role}", _length(row)] + ["held out"] * row.reference.held_out
        for name in names:
            groups.setdefault(name, []).append(row.errors)
    for name, group in groups.items():
        errors = total(group)
        yield name, len(group), errors.words, _percent(errors.wer), _percent(errors.cer)


def _length(row: Scored) -> str:
    return next(name for limit, name in _LENGTHS_S if row.seconds < limit)


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


@contextmanager
def _progress(recordings: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, only for people."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("recordings", total=recordings)
        yield lambda: bar.advance(task)
