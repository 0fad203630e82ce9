from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluate.intents import (
    Counts,
    LabelledTurn,
    calibration_error,
    score_calls,
    score_predictions,
    score_texts,
)
from pipeline.evaluate.labelled_calls import labelled_samples
from pipeline.evaluate.labelled_texts import LabelledTexts, LabelledTextsUnreadable, read_labelled
from pipeline.samples import folder
from schemas.insight import CallInsight, Evidence, Extractor, Intent, Provenance
from schemas.wire import Role

CONTENT = {
    "a.jsonl": '{"text": "hi", "intent": "greet"}\n\n{"text": "bye", "intent": "part"}\n',
    "a.csv": 'text,category\n"hi, you",greet\nbye,part\n',
    "a.tsv": "id\tutterance\tintent\n1\thi\tgreet\n2\tbye\tpart\n",
}


@pytest.mark.parametrize("name", CONTENT)
def test_fields_are_found_under_their_usual_names(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text(CONTENT[name], encoding="utf-8")
    assert read_labelled(path).labels == ("greet", "part")


def test_fields_can_be_named_and_rows_without_text_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("q,y,text\nhi,greet,x\n,part,x\n", encoding="utf-8")
    read = read_labelled(path, text_field="q", label_field="y")
    assert (read.texts, read.labels, read.skipped) == (("hi",), ("greet",), 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "q,y\nhi,greet\n", r"no field any of text, .*: it has q, y"),
        ("a.csv", "", "it is empty"),
        ("a.csv", "text,intent\n,\n", "no row"),
        ("a.jsonl", "text,intent\n", "line 1 is no JSON"),
        ("a.jsonl", "[1]\n", "line 1 is no JSON object"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(LabelledTextsUnreadable, match=message):
        read_labelled(path)


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelledTextsUnreadable, match="cannot be read"):
        read_labelled(path)


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    truth = ["a", "a", "b", "b", "c", "d"]
    predicted = ["a", "b", "b", "b", "a", "e"]
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
    scores = score_predictions(truth, predicted, np.full(6, 0.5))
    assert (scores.precision, scores.recall, scores.macro_f1) == pytest.approx((precision, recall, f1))
    assert scores.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert scores.per_intent["b"].support == 2


def test_calibration_error_is_the_distance_of_confidence_and_truth() -> None:
    assert calibration_error(np.array([1.0, 0.0]), np.array([0.9, 0.9])) == pytest.approx(0.4)
    assert calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0


def test_training_texts_of_one_label_are_refused_in_words() -> None:
    one = LabelledTexts(("a", "b"), ("x", "x"))
    with pytest.raises(LabelledTextsUnreadable, match="two different labels"):
        score_texts(one, one, None)


def insight(*found: tuple[str, Role, int, int]) -> CallInsight:
    return CallInsight(
        call_id="c1",
        language="en",
        duration_ms=10_000,
        intents=tuple(
            Intent(
                intent_id=str(number),
                name=name,
                role=role,
                confidence=1,
                evidence=(Evidence(segment_id="s", role=role, start_ms=start, end_ms=end, quote="x"),),
            )
            for number, (name, role, start, end) in enumerate(found)
        ),
        provenance=Provenance(extractor=Extractor.LEXICAL, model="m", scenario="s", scenario_version=1),
    )


TURNS = (
    LabelledTurn(Role.CUSTOMER, 0, 1_000, ("cancel", "price")),
    LabelledTurn(Role.AGENT, 2_000, 3_000, ("offer",)),
)


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (("cancel", Role.CUSTOMER, 500, 1_500), Counts(1, 1, 3, 1)),
        (("cancel", Role.AGENT, 500, 1_500), Counts(1, 0, 3, 0)),
        (("offer", Role.AGENT, 3_500, 4_000), Counts(1, 0, 3, 0)),
        (("other", Role.CUSTOMER, 0, 1_000), Counts(1, 0, 3, 0)),
    ],
    ids=["right", "other side", "other time", "other intent"],
)
def test_an_intent_is_right_by_name_side_and_time(found: tuple[str, Role, int, int], counts: Counts) -> None:
    assert score_calls(insight(found), TURNS) == counts


def test_nothing_predicted_has_a_recall_of_zero_and_no_precision() -> None:
    counts = score_calls(insight(), TURNS)
    assert (counts.precision, counts.recall) == (None, 0)


def test_the_samples_are_read_with_their_labels_and_two_calls_are_held_out() -> None:
    calls = labelled_samples(folder())
    assert sum(call.held_out for call in calls) == 2
    assert {call.transcript.language for call in calls} == {"en", "zh"}
    assert all(any(turn.intents for turn in call.turns) for call in calls)
