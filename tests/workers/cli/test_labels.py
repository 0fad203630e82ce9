"""``convmine labels``: out, in again, and how far people agree."""

from __future__ import annotations

import json
from pathlib import Path

from judged_store import Judge


def judged(judge: Judge) -> None:
    judge("prompt", "label", "--by", "ann", "--limit", "1", keys="y y n y")
    judge("prompt", "label", "--by", "bob", "--limit", "1", keys="y n n y")


def test_labels_go_out_and_come_in_again_once(judge: Judge, tmp_path: Path) -> None:
    judged(judge)
    out = tmp_path / "labels.jsonl"
    assert judge("labels", "export", "--out", str(out)).stdout == f"wrote 8 labels to {out}\n"
    assert judge("labels", "export").stdout == out.read_text(encoding="utf-8")
    assert len(json.loads(judge("labels", "export", "--json").stdout)["items"]) == 8
    assert judge("labels", "import", str(out)).stdout == "added 0 labels; 8 were there already\n"
    (tmp_path / "workbench.sqlite").unlink()
    assert json.loads(judge("labels", "import", str(out), "--json").stdout) == {"read": 8, "added": 8}
    assert judge("labels", "export").stdout == out.read_text(encoding="utf-8")


def test_a_file_with_one_wrong_line_is_taken_not_at_all(judge: Judge, tmp_path: Path) -> None:
    judged(judge)
    out = tmp_path / "labels.jsonl"
    judge("labels", "export", "--out", str(out))
    first, *others = out.read_text(encoding="utf-8").splitlines()
    out.write_text("\n".join([*others, first.replace("price_objection", "prize_objection")]), encoding="utf-8")
    (tmp_path / "workbench.sqlite").unlink()
    done = judge("labels", "import", str(out))
    assert done.code == 1
    assert "line 8: intents: 'prize_objection' is not in the taxonomy; nearest: price_objection" in done.stderr
    assert done.stderr.count("\n") == 1
    assert judge("labels", "export").stdout == ""


def test_agreement_is_told_for_each_field_that_two_have_judged(judge: Judge) -> None:
    judged(judge)
    entities, intents = json.loads(judge("labels", "agreement", "--json").stdout)["fields"]
    assert (intents["field"], intents["items"], intents["people"]) == ("intents", 3, ["ann", "bob"])
    assert intents["pairs"] == [{"a": "ann", "b": "bob", "items": 3, "equal": 0.6667, "kappa": 0.4}]
    assert intents["alpha"] == round(1 - 5 * 2 / 18, 4)
    assert (entities["items"], entities["alpha"], entities["pairs"][0]["kappa"]) == (1, None, None)
    table = judge("labels", "agreement").stdout
    assert "ann, bob" in table
    assert "67%" in table
    assert "entities" not in judge("labels", "agreement", "--field", "intents").stdout


def test_disagreements_are_listed_where_they_are_asked_for(judge: Judge) -> None:
    judged(judge)
    assert "cancel_contract" not in judge("labels", "agreement").stdout
    assert "ann: right, bob: wrong" in judge("labels", "agreement", "--show").stdout
    (one,) = json.loads(judge("labels", "agreement", "--show", "--json").stdout)["disagreements"]
    assert (one["name"], one["quote"]) == ("cancel_contract", "I want to cancel my contract")
    assert one["verdicts"] == {"ann": "right", "bob": "wrong"}


def test_one_person_agrees_with_nobody(judge: Judge) -> None:
    judge("prompt", "label", "--by", "ann", keys="y y")
    done = judge("labels", "agreement")
    assert (done.code, done.stdout) == (0, "")
    assert "no item was judged by two people" in done.stderr
    assert json.loads(judge("labels", "agreement", "--json").stdout) == {"fields": []}


def test_a_file_that_cannot_be_written_is_told(judge: Judge, tmp_path: Path) -> None:
    done = judge("labels", "export", "--out", str(tmp_path / "no" / "labels.jsonl"))
    assert (done.code, "cannot be written" in done.stderr) == (1, True)
