"""``convmine eval intents``: how well intents are found, in labelled files or in the sample calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.evaluate.intents import Counts, TextScores
    from pipeline.evaluate.labelled_calls import LabelledCall
    from pipeline.settings import Settings
    from schemas.insight import CallInsight

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("intents")
@click.option("--train", type=_FILE, help='Labelled texts to learn from: JSONL {"text", "intent"}, or CSV, TSV.')
@click.option("--test", type=_FILE, help="Labelled texts to score. Without any file, the sample calls are scored.")
@click.option("--folds", type=click.IntRange(min=2), help="Without --test: score the texts of --train in turn.")
@click.option("--group-field", help="With --folds: the field, as of a conversation, whose texts share a fold.")
@click.option("--per-class", type=click.IntRange(min=1), help="Learn from at most so many texts an intent.")
@click.option("--seed", type=int, default=0, show_default=True, help="How folds and few texts are drawn.")
@click.option("--text-field", help="Name of the field or column with the text.")
@click.option("--label-field", help="Name of the field or column with the intent.")
@click.option("--from-audio", is_flag=True, help="Hear the sample calls first, with the engine of CONVMINE_ASR_ENGINE.")
@json_option
def eval_intents(  # noqa: PLR0913 - one argument an option
    *,
    train: Path | None,
    test: Path | None,
    folds: int | None,
    group_field: str | None,
    per_class: int | None,
    seed: int,
    text_field: str | None,
    label_field: str | None,
    from_audio: bool,
    as_json: bool,
) -> None:
    """Intent extraction on labelled files, or on the sample calls."""
    if (train is None) != (test is None and folds is None) or (test is not None and folds is not None):
        raise click.UsageError("give --train with --test, or --train with --folds, or none of them")
    if group_field is not None and folds is None:
        raise click.UsageError("--group-field needs --folds")
    if train is None:
        if any(option is not None for option in (text_field, label_field, per_class)):
            raise click.UsageError("--text-field, --label-field and --per-class need --train")
        _eval_samples(from_audio=from_audio, as_json=as_json)
        return
    if from_audio:
        raise click.UsageError("--from-audio is for the sample calls, not for files")
    fields = _Fields(text_field, label_field, group_field)
    scores, texts = _scored(train, test, fields, folds=folds, per_class=per_class, seed=seed)
    if as_json:
        print_json(_document(scores) | texts)
    else:
        _print_texts(scores)


class _Fields(NamedTuple):
    """The names of the fields, None for the usual ones."""

    text: str | None
    label: str | None
    group: str | None


def _scored(  # noqa: PLR0913 - what the options say
    train: Path, test: Path | None, fields: _Fields, *, folds: int | None, per_class: int | None, seed: int
) -> tuple[TextScores, dict[str, Any]]:
    """The scores, and how many texts they are of."""
    from pipeline.evaluate.intent_folds import few_a_label, score_folds
    from pipeline.evaluate.intents import score_texts
    from pipeline.evaluate.labelled_texts import read_labelled
    from pipeline.llm.static_embedding import StaticEmbedding, installed

    encode = StaticEmbedding().sums if installed() else None
    known = read_labelled(train, text_field=fields.text, label_field=fields.label, group_field=fields.group)
    if test is None:
        assert folds is not None
        scores = score_folds(known, folds, encode, few=per_class, seed=seed)
        return scores, {"texts": len(known.texts), "skipped": {"train": known.skipped}}
    asked = read_labelled(test, text_field=fields.text, label_field=fields.label)
    learnt = known if per_class is None else few_a_label(known, per_class, seed)
    skipped = {"train": known.skipped, "test": asked.skipped}
    return score_texts(learnt, asked, encode), {"texts": len(asked.texts), "skipped": skipped}


def _document(scores: TextScores) -> dict[str, Any]:
    return {
        "macro_f1": round(scores.macro_f1, 4),
        "precision": round(scores.precision, 4),
        "recall": round(scores.recall, 4),
        "accuracy": round(scores.accuracy, 4),
        "ece": round(scores.ece, 4),
        "per_intent": {
            name: {
                "precision": round(score.precision, 4),
                "recall": round(score.recall, 4),
                "f1": round(score.f1, 4),
                "support": score.support,
            }
            for name, score in scores.per_intent.items()
        },
    }


def _print_texts(scores: TextScores) -> None:
    print_table(
        ("intent", "precision", "recall", "F1", "texts"),
        [
            (name, f"{score.precision:.3f}", f"{score.recall:.3f}", f"{score.f1:.3f}", score.support)
            for name, score in scores.per_intent.items()
        ],
    )
    print_table(
        ("macro F1", "precision", "recall", "accuracy", "calibration error"),
        [[f"{value:.3f}" for value in _means(scores)]],
    )


def _means(scores: TextScores) -> tuple[float, ...]:
    return scores.macro_f1, scores.precision, scores.recall, scores.accuracy, scores.ece


def _eval_samples(*, from_audio: bool, as_json: bool) -> None:
    from pipeline.evaluate.intents import score_calls
    from pipeline.evaluate.labelled_calls import labelled_samples
    from pipeline.samples import folder
    from pipeline.settings import load

    calls = [call for call in labelled_samples(folder()) if call.audio is not None or not from_audio]
    mined = asyncio.run(_mined(calls, load(), from_audio=from_audio))
    rows = [(call, score_calls(insight, call.turns)) for call, insight in zip(calls, mined, strict=True)]
    groups = {
        "tuned": [counts for call, counts in rows if not call.held_out],
        "held_out": [counts for call, counts in rows if call.held_out],
    }
    if as_json:
        print_json(
            {name: _counts_document(_sum(counts)) for name, counts in groups.items()}
            | {"source": "audio" if from_audio else "reference text", "by": [_row(call, one) for call, one in rows]}
        )
        return
    print_table(
        ("call", "intents", "found", "predicted", "right", "precision", "recall"),
        [
            *(_cells(call.transcript.call_id + (" (held out)" if call.held_out else ""), one) for call, one in rows),
            *(_cells(f"all {name.replace('_', ' ')}", _sum(counts)) for name, counts in groups.items()),
        ],
        title="sample calls, " + ("from audio" if from_audio else "from reference text"),
    )


async def _mined(calls: Iterable[LabelledCall], settings: Settings, *, from_audio: bool) -> list[CallInsight]:
    from pipeline.extract.registry import build_extractor
    from pipeline.extract.stage import conversation_of, mine
    from pipeline.scenarios.load import shipped

    extractor = build_extractor(settings, shipped)
    try:
        transcripts = [call.transcript for call in (await _heard(calls, settings) if from_audio else calls)]
        return [
            await mine("eval", one, conversation_of(one, shipped, settings.extract.scenario, "eval"), extractor)
            for one in transcripts
        ]
    finally:
        await extractor.close()


async def _heard(calls: Iterable[LabelledCall], settings: Settings) -> list[LabelledCall]:
    from pipeline.asr.registry import build_engine
    from pipeline.evaluate.labelled_calls import heard

    asr = settings.asr
    if "engine" not in asr.model_fields_set:  # as the demo: the engine that needs no download
        asr = asr.model_copy(update={"engine": "pocketsphinx"})
    engine = build_engine(asr)
    try:
        return [await heard(call, engine, settings.audio) for call in calls]
    finally:
        await engine.close()


def _sum(counts: Iterable[Counts]) -> Counts:
    from pipeline.evaluate.intents import Counts

    return sum(counts, Counts())


def _counts_document(counts: Counts) -> dict[str, Any]:
    return {
        "precision": None if counts.precision is None else round(counts.precision, 4),
        "recall": None if counts.recall is None else round(counts.recall, 4),
        "labelled": counts.labelled,
        "found": counts.found,
        "predicted": counts.predicted,
        "right": counts.right,
    }


def _row(call: LabelledCall, counts: Counts) -> dict[str, Any]:
    return {"call_id": call.transcript.call_id, "held_out": call.held_out} | _counts_document(counts)


def _cells(name: str, counts: Counts) -> tuple[object, ...]:
    shares = ("-" if share is None else f"{share:.2f}" for share in (counts.precision, counts.recall))
    return (name, counts.labelled, counts.found, counts.predicted, counts.right, *shares)
