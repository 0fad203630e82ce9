from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.evaluate.guidance import Bigram, score
from pipeline.flow.graph import END
from pipeline.flow.mining import Walk
from workers.cli.eval_guidance import eval_guidance

DATA = os.environ.get("CONVMINE_EVAL_DATA")


def walks(count: int, seed: int) -> list[Walk]:
    """What follows ``offer`` depends on what came before it, and so does how the dialogue ends."""
    chance = random.Random(seed)
    found = []
    for _ in range(count):
        reason = chance.choice(["price", "fault"])
        after = {"price": "refuse", "fault": "accept"}[reason] if chance.random() < 0.85 else "ask_back"
        won = chance.random() < {"price": 0.2, "fault": 0.8}[reason]
        found.append(Walk(("greet", reason, "offer", after), result="won" if won else "lost"))
    return found


def test_a_bigram_says_what_followed_the_last_step_and_else_how_frequent_steps_are() -> None:
    bigram = Bigram([Walk(("a", "b")), Walk(("a", "c")), Walk(("a", "b"))])
    after = bigram.shares(["x", "a"])
    assert {label: round(share, 3) for label, share in after.items()} == {"b": 0.667, "c": 0.333, "a": 0, END: 0}
    assert max(after, key=lambda label: after[label]) == "b"
    unseen = bigram.shares(["never"])
    assert unseen["a"] == unseen[END] == pytest.approx(1 / 3)


def test_memory_beats_a_bigram_where_there_is_something_to_remember_and_comes_true() -> None:
    scores = score(walks(300, seed=1), walks(300, seed=2))
    assert scores.predictions == 1_500
    assert scores.guidance.hit_1 > scores.bigram.hit_1 + 0.05
    assert scores.guidance.hit_3 >= scores.bigram.hit_3
    assert scores.guidance.ece <= 0.05


def test_odds_are_better_than_the_share_of_all_and_come_true() -> None:
    outcome = score(walks(300, seed=1), walks(300, seed=2)).outcome
    assert outcome is not None
    assert outcome.brier < outcome.baseline_brier - 0.03
    assert outcome.ece <= 0.05
    assert outcome.predictions == 1_500


def test_without_results_nothing_is_said_of_outcomes() -> None:
    assert score([Walk(("a", "b"))] * 9, [Walk(("a",))]).outcome is None


def test_a_label_that_was_never_learnt_is_a_miss() -> None:
    scores = score([Walk(("a",))] * 20, [Walk(("z",))])
    assert scores.guidance.hit_3 == pytest.approx(0.5)  # the end is among the three


def write(path: Path, dialogues: list[Walk]) -> Path:
    rows = [{"id": str(at), "steps": one.labels, "result": one.result} for at, one in enumerate(dialogues)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_the_command_prints_scores_beside_those_of_the_bigram(tmp_path: Path) -> None:
    train, test = write(tmp_path / "t.jsonl", walks(80, 1)), write(tmp_path / "u.jsonl", walks(20, 2))
    arguments = ["--train", str(train), "--test", str(test)]
    result = CliRunner().invoke(eval_guidance, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert set(document) == {"hit@1", "hit@3", "ece", "n", "baseline", "orders", "outcome"}
    assert set(document["baseline"]) == {"hit@1", "hit@3", "ece"}
    assert set(document["outcome"]) == {"brier", "ece", "baseline", "n"}
    assert (document["n"], document["orders"]) == (100, [3, 2, 1, 0])
    shown = CliRunner().invoke(eval_guidance, arguments)
    assert shown.exit_code == 0, shown.output
    assert "bigram" in shown.output


def test_guidance_beats_the_bigram_on_held_out_dialogues_of_star_over_several_splits() -> None:
    if DATA is None:
        pytest.skip("no evaluation data")
    found: list[Walk] = []
    for path in sorted((Path(DATA) / "dialogues" / "star" / "dialogues").glob("*.json")):
        events = json.loads(path.read_text(encoding="utf-8"))["events"]
        found.append(Walk(tuple(one["label"] for one in events if one["agent"] == "Wizard" and one["label"])))
    gains_1, gains_3, gains_ece = 0.0, 0.0, 0.0
    for seed in range(6):
        mixed = random.Random(seed).sample(found, len(found))
        scores = score(mixed[:168], mixed[168:])
        gains_1 += scores.guidance.hit_1 - scores.bigram.hit_1
        gains_3 += scores.guidance.hit_3 - scores.bigram.hit_3
        gains_ece += scores.bigram.ece - scores.guidance.ece
    assert gains_1 > 0
    assert gains_3 > 0
    assert gains_ece > 0
