"""``convmine eval guidance``: how well next steps are foretold on dialogues that were not learnt from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workers.cli.output import json_option, print_json, print_table

if TYPE_CHECKING:
    from pipeline.evaluate.guidance import GuidanceScores, Scores

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("guidance")
@click.option("--train", type=_FILE, required=True, help='Dialogues to learn from: JSONL {"id", "steps": [label…]}.')
@click.option("--test", type=_FILE, required=True, help="Dialogues whose steps are foretold, one after the other.")
@json_option
def eval_guidance(*, train: Path, test: Path, as_json: bool) -> None:
    """Next steps and their probabilities on held-out dialogues.

    Every step of the tested dialogues is foretold from those before it, and so is their end: how often the most
    probable step comes (hit@1), or one of the three most probable (hit@3), and how far the probability of the most
    probable one is from how often it comes (calibration error). Beside it stands a plain bigram. With "result": "won"
    or "lost" in the rows, what is said of the outcome is scored, too.
    """
    from pipeline.evaluate.guidance import score
    from pipeline.flow.dialogue_file import read_dialogues

    scores = score(read_dialogues(train), read_dialogues(test))
    if as_json:
        print_json(_document(scores))
        return
    print_table(
        ("model", "hit@1", "hit@3", "calibration error"),
        [_row("guidance", scores.guidance), _row("bigram", scores.bigram)],
        title=f"{scores.predictions} predictions",
    )
    if (outcome := scores.outcome) is not None:
        print_table(
            ("outcome", "Brier score", "calibration error"),
            [
                ("guidance", f"{outcome.brier:.3f}", f"{outcome.ece:.3f}"),
                ("share of all", f"{outcome.baseline_brier:.3f}", "-"),
            ],
            title=f"{outcome.predictions} predictions",
        )


def _document(scores: GuidanceScores) -> dict[str, Any]:
    from pipeline.evaluate.guidance import ORDERS

    document = _figures(scores.guidance) | {
        "n": scores.predictions,
        "baseline": _figures(scores.bigram),
        "orders": list(ORDERS),
    }
    if (outcome := scores.outcome) is not None:
        document["outcome"] = {
            "brier": round(outcome.brier, 4),
            "ece": round(outcome.ece, 4),
            "baseline": {"brier": round(outcome.baseline_brier, 4)},
            "n": outcome.predictions,
        }
    return document


def _figures(scores: Scores) -> dict[str, Any]:
    return {"hit@1": round(scores.hit_1, 4), "hit@3": round(scores.hit_3, 4), "ece": round(scores.ece, 4)}


def _row(name: str, scores: Scores) -> tuple[object, ...]:
    return name, f"{scores.hit_1:.3f}", f"{scores.hit_3:.3f}", f"{scores.ece:.3f}"
