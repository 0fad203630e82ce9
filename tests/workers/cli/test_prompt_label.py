"""``convmine prompt label`` as a person uses it, over a pipe."""

from __future__ import annotations

import json
from pathlib import Path

from judged_calls import judged_insight, judged_transcript
from judged_store import CALLS, Judge

ALL = 9
"""Items of each call."""


def labels(judge: Judge) -> list[dict[str, str | None]]:
    return [json.loads(line) for line in judge("labels", "export").stdout.splitlines()]


def test_a_call_is_shown_with_its_turns_and_the_words_of_each_item(judge: Judge) -> None:
    done = judge("prompt", "label", "--by", "ann", keys="y q")
    assert done.code == 0
    lines = done.stdout.splitlines()
    assert any(line.startswith("call 1 of 3: call-") and "extract.v2" in line for line in lines)
    assert "     s2  00:05  customer    the family plan is too expensive my number is [PHONE]" in lines
    assert "1/9  intents price_objection" in done.stdout
    assert "     s2  00:05  customer    the family plan is »too expensive« my number is [PHONE]" in lines
    assert lines[-1].endswith("1 right, 0 wrong, 0 added, 0 passed over; items that still wait: 26")


def test_each_word_is_kept_under_the_name_of_who_said_it(judge: Judge) -> None:
    judge("prompt", "label", "--by", "ann", "--limit", "1", keys="y n q")
    first, second = labels(judge)
    assert (first["verdict"], first["name"], first["by"]) == ("right", "price_objection", "ann")
    assert (second["verdict"], second["name"], second["prompt_version"]) == ("wrong", "cancel_contract", "extract.v2")


def test_a_second_start_goes_on_where_the_pipe_ended(judge: Judge) -> None:
    first = json.loads(judge("prompt", "label", "--by", "ann", "--json", keys=" ".join("y" * 4)).stdout)
    assert first == {
        "by": "ann", "calls": 3, "right": 4, "wrong": 0, "missing": 0, "passed_over": 0, "waiting": 3 * ALL - 4,
    }  # fmt: skip
    second = judge("prompt", "label", "--by", "ann", keys="s q")
    assert "1/5  topics price" in second.stdout
    assert "0 right, 0 wrong, 0 added, 1 passed over; items that still wait: 23" in second.stdout
    assert "1/9  intents price_objection" in judge("prompt", "label", "--by", "bob", keys="q").stdout


def test_nothing_waits_for_who_has_judged_everything(judge: Judge) -> None:
    everything = (f"{'y ' * ALL} " * len(CALLS))[:-1]
    summary = json.loads(judge("prompt", "label", "--by", "ann", "--json", keys=everything).stdout)
    assert (summary["right"], summary["waiting"]) == (3 * ALL, 0)
    done = judge("prompt", "label", "--by", "ann")
    assert (done.code, done.stdout.startswith("nothing waits for ann")) == (0, True)


def test_undo_takes_the_last_word_back(judge: Judge) -> None:
    done = judge("prompt", "label", "--by", "ann", keys="y n u u u y q")
    assert "taken back: intents cancel_contract: wrong" in done.stdout
    assert "there is nothing to take back" in done.stdout
    assert [(one["name"], one["verdict"]) for one in labels(judge)] == [("price_objection", "right")]


def test_a_missing_item_is_added_with_its_words(judge: Judge) -> None:
    done = judge("prompt", "label", "--by", "ann", keys="a intents make_offer s3  q")
    assert "names: " in done.stdout
    (added,) = labels(judge)
    assert (added["verdict"], added["name"], added["segment_id"]) == ("missing", "make_offer", "s2")
    assert (added["quote"], added["prompt_version"]) == ("I can offer you a discount", "")


def test_what_does_not_fit_is_asked_again_and_nothing_typed_gives_up(judge: Judge) -> None:
    done = judge("prompt", "label", "--by", "ann", keys="x a colours intents make_ofer make_offer s99 s2 discount  q")
    for said in ("'x' is none of y, n, a, s, u, q", "'colours' is none of intents", "nearest: make_offer"):
        assert said in done.stdout
    assert "there is no turn 's99': they are s1 to s5" in done.stdout
    assert "these words do not stand in that turn: 'discount'" in done.stdout
    assert "make_offer is for the agent to say" in done.stdout
    judge("prompt", "label", "--by", "ann", keys="a  q")
    assert labels(judge) == []


def test_fields_versions_and_the_number_of_calls_are_those_asked_for(judge: Judge) -> None:
    def summary(*options: str) -> dict[str, int]:
        found: dict[str, int] = json.loads(judge("prompt", "label", "--by", "ann", "--json", *options).stdout)
        return found

    assert summary("--field", "outcome", "--field", "summary", "--limit", "2")["waiting"] == 4
    assert summary("--prompt", "extract.v1")["calls"] == 0
    assert summary("--prompt", "extract.v2")["calls"] == 3


def test_a_file_of_results_is_judged_without_a_store_of_them(judge: Judge, tmp_path: Path) -> None:
    rows = [
        {
            "insight": judged_insight(call_id).model_dump(mode="json"),
            "transcript": judged_transcript(call_id).model_dump(mode="json"),
        }
        for call_id in ("new-1", "new-1", "new-2")
    ]
    path = tmp_path / "results.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    summary = json.loads(judge("prompt", "label", "--on", str(path), "--by", "ann", "--json", keys="y q").stdout)
    assert (summary["calls"], summary["waiting"]) == (2, 2 * ALL - 1)
    assert labels(judge)[0]["call_id"] == "new-1"
    path.write_text("{}", encoding="utf-8")
    done = judge("prompt", "label", "--on", str(path))
    assert (done.code, "line 1: insight: Field required" in done.stderr) == (1, True)


def test_text_of_a_call_steers_no_terminal(judge: Judge, tmp_path: Path) -> None:
    told = judged_transcript("new")
    steering = told.segments[0].model_copy(update={"text": "\x1b[31mred\x1b[0m"})
    told = told.model_copy(update={"segments": (steering, *told.segments[1:])})
    row = {"insight": judged_insight("new").model_dump(mode="json"), "transcript": told.model_dump(mode="json")}
    (path := tmp_path / "r.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert "\x1b[31mred" not in judge("prompt", "label", "--on", str(path), keys="q").stdout
