"""``convmine eval asr``: how well engines hear recordings whose words are known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.facts import LANGUAGE
from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.evaluate.asr_references import Reference
    from pipeline.evaluate.asr_report import Group, Sureness
    from pipeline.evaluate.asr_run import Scored
    from pipeline.settings import AsrSettings, AudioSettings
    from schemas.transcript import Hearing

_ENGINES: Final = ("pocketsphinx", "whisper", "faster-whisper", "openai")
_NORMALISATION: Final = (
    "lower case, Unicode NFKC, no punctuation; Chinese by character; numerals and traditional characters as written"
)


@click.command("asr")
@click.option(
    "--refs",
    "places",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A folder of calls, of name.wav with name.txt or name.ref.txt, of trans.txt, or of such folders; or JSONL, "
    "TSV or CSV with the fields audio and text. May repeat. Without it, the sample calls.",
)
@click.option(
    "--engine",
    "engines",
    multiple=True,
    type=click.Choice(_ENGINES),
    help="May repeat, to compare. Without it CONVMINE_ASR_ENGINE, else pocketsphinx.",
)
@click.option("--language", type=LANGUAGE, help="Language of references that do not say theirs.")
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many recordings.")
@click.option(
    "--bootstrap",
    "rounds",
    type=click.IntRange(0, 100_000),
    default=1_000,
    show_default=True,
    help="Draws of calls that the 95 % confidence intervals are made of; 0 is none.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of these draws.")
@json_option
def eval_asr(  # noqa: PLR0913 - one argument an option
    *,
    places: tuple[Path, ...],
    engines: tuple[str, ...],
    language: str | None,
    limit: int | None,
    rounds: int,
    seed: int,
    as_json: bool,
) -> None:
    """Word and character error rates against references, a channel at a time.

    Prints each channel of each recording, then all of them together by role, channel, length, language and whether they
    were held out of tuning: WER, CER, and how many words were substituted, inserted and deleted; then how many seconds
    were heard, spoken, cut as phantoms and masked. Of Chinese, CER is what counts. Both sides are compared in lower
    case, of one width and without punctuation; numerals stay as they are written: "5" for "five" is an error.
    """
    from pipeline.evaluate.asr_references import read_references, sample_calls
    from pipeline.evaluate.asr_report import Sureness
    from pipeline.settings import load

    settings = load()
    set_one = settings.asr.engine if "engine" in settings.asr.model_fields_set else "pocketsphinx"
    chosen = tuple(dict.fromkeys(engines)) or (set_one,)
    found = list(chain.from_iterable(read_references(place) for place in places or (sample_calls(),)))
    references = _first([replace(one, language=one.language or language) for one in found], limit)
    by_engine: dict[str, list[Scored]] = {}
    with _progress(len(chosen) * len({reference.audio for reference in references})) as step:
        for engine in chosen:
            asr = settings.asr.model_copy(update={"engine": engine})
            by_engine[engine] = asyncio.run(_evaluate(references, asr, settings.audio, step))
    how = Sureness(rounds, seed)
    if as_json:
        print_json(_document(by_engine, how))
    else:
        _print(by_engine, how)


def _first(references: Sequence[Reference], limit: int | None) -> list[Reference]:
    recordings = set(list(dict.fromkeys(reference.audio for reference in references))[:limit])
    return [reference for reference in references if reference.audio in recordings]


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


def _document(by_engine: dict[str, list[Scored]], how: Sureness) -> dict[str, Any]:
    """The figures of the first engine on the top level, and those of each under ``engines``."""
    engines = {name: _engine_document(rows, how) for name, rows in by_engine.items()}
    return {
        **next(iter(engines.values())),
        "engine": next(iter(engines)),
        "engines": engines,
        "normalisation": _NORMALISATION,
        "by": [_row_document(engine, row) for engine, rows in by_engine.items() for row in rows],
    }


def _engine_document(rows: Sequence[Scored], how: Sureness) -> dict[str, Any]:
    from pipeline.evaluate.asr_report import groups, hearing, mean_wer, together

    return {
        **_rates(together(rows, how)),
        "mean_wer": round(mean_wer(rows), 4),
        "groups": [
            {"kind": group.kind, "name": group.name, "calls": group.calls, "channels": group.channels, **_rates(group)}
            for group in groups(rows, how)
        ],
        "hearing": hearing(rows).model_dump(),
    }


def _rates(group: Group) -> dict[str, Any]:
    errors = group.errors
    return {
        "wer": round(errors.wer, 4),
        "cer": round(errors.cer, 4),
        "wer_interval": _rounded(group.wer_interval),
        "cer_interval": _rounded(group.cer_interval),
        "words": errors.words,
        "substitutions": errors.of_words.substitutions,
        "insertions": errors.of_words.insertions,
        "deletions": errors.of_words.deletions,
        "characters": errors.characters,
    }


def _rounded(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [round(bound, 4) for bound in interval]


def _row_document(engine: str, row: Scored) -> dict[str, Any]:
    from pipeline.evaluate.asr_report import length_of

    reference, errors = row.reference, row.errors
    return {
        "call_id": reference.call_id,
        "audio": str(reference.audio),
        "engine": engine,
        "channel": reference.channel,
        "role": str(reference.role),
        "language": reference.language,
        "seconds": round(row.seconds, 2),
        "length": length_of(row),
        "wer": round(errors.wer, 4),
        "cer": round(errors.cer, 4),
        "words": errors.words,
        "substitutions": errors.of_words.substitutions,
        "insertions": errors.of_words.insertions,
        "deletions": errors.of_words.deletions,
        "held_out": reference.held_out,
    }


def _print(by_engine: dict[str, list[Scored]], how: Sureness) -> None:
    from pipeline.evaluate.asr_report import groups, hearing, mean_wer, together

    for engine, rows in by_engine.items():
        _print_rows(engine, rows)
        print_table(
            ("together", "calls", "channels", "words", "WER", "95 %", "CER", "95 %", "sub", "ins", "del"),
            [_cells(group) for group in (together(rows, how), *groups(rows, how))],
        )
        click.echo(f"mean WER of the calls: {_percent(mean_wer(rows))}")
        click.echo(_heard(hearing(rows)))
    click.echo(f"compared: {_NORMALISATION}")


def _print_rows(engine: str, rows: Sequence[Scored]) -> None:
    print_table(
        ("call", "channel", "role", "seconds", "words", "WER", "CER", "sub", "ins", "del"),
        [
            (
                row.reference.call_id + (" (held out)" if row.reference.held_out else ""),
                row.reference.channel,
                row.reference.role,
                f"{row.seconds:.1f}",
                row.errors.words,
                _percent(row.errors.wer),
                _percent(row.errors.cer),
                row.errors.of_words.substitutions,
                row.errors.of_words.insertions,
                row.errors.of_words.deletions,
            )
            for row in rows
        ],
        title=f"engine {engine}",
    )


def _cells(group: Group) -> tuple[object, ...]:
    errors = group.errors
    return (
        group.name if group.kind in {group.name, "length", "held out"} else f"{group.kind} {group.name}",
        group.calls,
        group.channels,
        errors.words,
        _percent(errors.wer),
        _from_to(group.wer_interval),
        _percent(errors.cer),
        _from_to(group.cer_interval),
        errors.of_words.substitutions,
        errors.of_words.insertions,
        errors.of_words.deletions,
    )


def _heard(hearing: Hearing) -> str:
    reasons = ", ".join(f"{name} {_seconds(ms)}" for name, ms in hearing.cuts.items())
    return (
        f"heard {_seconds(hearing.heard_ms)}, spoken {_seconds(hearing.spoken_ms)}, cut as phantoms "
        f"{_seconds(hearing.cut_ms)}{f' ({reasons})' if reasons else ''}, masked {_seconds(hearing.masked_ms)}"
    )


def _seconds(ms: int) -> str:
    return f"{ms / 1_000:.1f} s"


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def _from_to(interval: tuple[float, float] | None) -> str | None:
    return None if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}"


@contextmanager
def _progress(recordings: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error, only for people."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("recordings", total=recordings)
        yield lambda: bar.advance(task)
