"""``convmine finetune-export`` as a person uses it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from judged_calls import judged_call, words
from judged_store import CALLS, Judge
from openai.types.chat import ChatCompletionMessageParam
from pydantic import TypeAdapter

from pipeline.labels.finetune import is_validation
from pipeline.labels.label import Label, Verdict
from pipeline.labels.label_file import write_labels

DIGITS = re.compile(r"(?:\d[ -]?){7,}|[\w.]+@[\w.]+")


@pytest.fixture
def export(judge: Judge, tmp_path: Path) -> Judge:
    """Runs the command after ann has found all items of all calls right."""
    judge("prompt", "label", "--by", "ann", keys=(f"{'y ' * 9} " * len(CALLS))[:-1])
    return judge


def rows(folder: Path, name: str) -> list[list[dict[str, str]]]:
    return [
        json.loads(line)["messages"] for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def test_every_judged_call_is_in_one_of_both_files(export: Judge, tmp_path: Path) -> None:
    done = export("finetune-export", "--out-dir", str(tmp_path / "ft"), "--validation", "50%", "--json")
    summary = json.loads(done.stdout)
    assert summary["prompt"] == "extract.v2"
    assert (summary["left_out"], summary["train"] + summary["validation"]) == ({}, 3)
    chats = [*rows(tmp_path / "ft", "train"), *rows(tmp_path / "ft", "validation")]
    assert len(chats) == 3
    for chat in chats:
        TypeAdapter(list[ChatCompletionMessageParam]).validate_python(chat, strict=True)
        assert [one["role"] for one in chat] == ["system", "user", "assistant"]


def test_nothing_unmasked_stands_in_the_files(export: Judge, tmp_path: Path) -> None:
    export("finetune-export", "--out-dir", str(tmp_path))
    text = (tmp_path / "train.jsonl").read_text(encoding="utf-8") + (tmp_path / "validation.jsonl").read_text("utf-8")
    assert "[PHONE]" in text
    assert DIGITS.findall(text) == []


def test_no_customer_is_in_both_files_where_the_calls_alone_would_part(export: Judge, tmp_path: Path) -> None:
    one, other, _ = CALLS
    share = next(n for n in range(1, 100) if is_validation(one, n / 100) != is_validation(other, n / 100))
    export("finetune-export", "--out-dir", str(tmp_path), "--validation", f"{share}%")
    train, validation = (customers(rows(tmp_path, name)) for name in ("train", "validation"))
    assert train | validation == {"c-1", "c-2"}
    assert not train & validation


def customers(chats: list[list[dict[str, str]]]) -> set[str]:
    """Whose calls these are, by their summaries."""
    told = [json.loads(chat[2]["content"])["summary"] for chat in chats]
    return {CALLS[summary.removeprefix("All about ").removesuffix(".")] for summary in told}


def test_nothing_is_held_back_of_nought(export: Judge, tmp_path: Path) -> None:
    summary = json.loads(export("finetune-export", "--out-dir", str(tmp_path), "--validation", "0%", "--json").stdout)
    assert (summary["train"], summary["validation"]) == (3, 0)


def imported(judge: Judge, folder: Path, labels: list[Label]) -> None:
    path = folder / "more.jsonl"
    path.write_text(write_labels(labels), encoding="utf-8")
    assert judge("labels", "import", str(path)).code == 0


def test_what_is_left_out_is_counted_with_why(export: Judge, tmp_path: Path) -> None:
    gone = words(judged_call("gone"))
    divided = words(judged_call("call-b"), Verdict.WRONG, by="bob")[:1]
    imported(export, tmp_path, [*gone, *divided])
    summary = json.loads(export("finetune-export", "--out-dir", str(tmp_path), "--json").stdout)
    assert summary["left_out"] == {
        "the call is not stored any more": 1,
        "as many people say that an item is there as that it is not": 1,
    }
    assert summary["train"] + summary["validation"] == 2
    assert "the call is not stored any more" in export("finetune-export", "--out-dir", str(tmp_path)).stdout
    strict = json.loads(export("finetune-export", "--out-dir", str(tmp_path), "--min-labels", "2", "--json").stdout)
    assert strict["left_out"]["an item was judged by too few people"] == 3


def test_calls_of_another_language_are_not_looked_at(export: Judge, tmp_path: Path) -> None:
    done = export("finetune-export", "--out-dir", str(tmp_path), "--language", "zh")
    assert "wrote 0 calls" in done.stdout
    assert "no call of this scenario and language was judged" in done.stderr


def test_another_version_asks_in_its_own_words(export: Judge, tmp_path: Path) -> None:
    for version in ("extract.v1", "extract.v2"):
        export("finetune-export", "--out-dir", str(tmp_path / version), "--prompt", version, "--validation", "0%")
    (one, *_), (other, *_) = rows(tmp_path / "extract.v1", "train"), rows(tmp_path / "extract.v2", "train")
    assert one[0] != other[0]
    assert one[2] == other[2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--prompt", "extract.v99"), "no prompt 'extract.v99' in scenario telecom"),
        (("--prompt", "summary.v1"), "no call is mined with summary.v1"),
        (("--scenario", "banking"), "no scenario 'banking'"),
        (("--language", "fr"), "is not there in 'fr'"),
        (("--validation", "10"), "is no share 0% or more and below 100%"),
        (("--validation", "100%"), "is no share 0% or more and below 100%"),
    ],
)
def test_what_cannot_be_exported_is_told(judge: Judge, options: tuple[str, str], said: str, tmp_path: Path) -> None:
    done = judge("finetune-export", "--out-dir", str(tmp_path / "ft"), *options)
    assert done.code in {1, 2}
    assert said in done.stderr
    assert not (tmp_path / "ft").exists()
