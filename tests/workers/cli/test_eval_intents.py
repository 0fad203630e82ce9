from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from workers.cli.eval_intents import eval_intents

DATA = os.environ.get("CONVMINE_EVAL_DATA")


@pytest.fixture(autouse=True)
def _plain_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("CONVMINE_", "OPENAI_"))]:
        monkeypatch.delenv(name)


def test_the_tuned_sample_calls_reach_their_goal_from_reference_text() -> None:
    result = CliRunner().invoke(eval_intents, ["--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["tuned"]["precision"] >= 0.85
    assert document["tuned"]["recall"] >= 0.85
    assert document["held_out"]["labelled"] > 0
    assert {row["call_id"] for row in document["by"] if row["held_out"]}.isdisjoint(
        row["call_id"] for row in document["by"] if not row["held_out"]
    )


def test_labelled_files_are_learnt_and_scored(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    rows = [
        ("i want to cancel", "cancel"),
        ("cancel it", "cancel"),
        ("how much is it", "price"),
        ("the price", "price"),
    ]
    path.write_text("\n".join(json.dumps({"text": text, "intent": intent}) for text, intent in rows), encoding="utf-8")
    result = CliRunner().invoke(eval_intents, ["--train", str(path), "--test", str(path), "--json"])
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["accuracy"] == document["macro_f1"] == 1
    assert {"precision", "recall", "ece", "per_intent"} <= document.keys()
    assert document["per_intent"]["price"]["support"] == 2


def test_folds_keep_a_conversation_together_and_may_learn_from_few(tmp_path: Path) -> None:
    path = tmp_path / "turns.tsv"
    rows = [f"c{number}\t{word} it {number}\t{word}" for number in range(6) for word in ("cancel", "price")]
    path.write_text("\n".join(["conversationId\tsaid\twhat", *rows, "c9\t\tprice"]), encoding="utf-8")
    fields = ["--text-field", "said", "--label-field", "what", "--group-field", "conversationId"]
    arguments = ["--train", str(path), "--folds", "3", *fields, "--per-class", "2", "--seed", "1", "--json"]
    result = CliRunner().invoke(eval_intents, arguments)
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert document["accuracy"] == 1
    assert (document["texts"], document["skipped"]) == (12, {"train": 1})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--train", __file__],
        ["--train", __file__, "--test", __file__, "--from-audio"],
        ["--text-field", "text"],
        ["--per-class", "8"],
        ["--folds", "5"],
        ["--train", __file__, "--test", __file__, "--folds", "5"],
        ["--train", __file__, "--test", __file__, "--group-field", "id"],
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(eval_intents, arguments).exit_code == 2


@pytest.mark.skipif(not DATA, reason="no evaluation data: CONVMINE_EVAL_DATA is not set")
def test_a_public_set_is_read_and_learnt_in_time() -> None:
    folder = Path(str(DATA)) / "dialogues" / "multidogo" / "media"
    arguments = ["--train", str(folder / "dev.tsv"), "--test", str(folder / "dev.tsv"), "--json"]
    document = json.loads(CliRunner().invoke(eval_intents, arguments).output)
    assert document["accuracy"] > 0.9
