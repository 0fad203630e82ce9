from __future__ import annotations

import json
from pathlib import Path

from mined_store import Convmine


def test_calls_are_listed_with_both_outcomes_apart(analyst: Convmine) -> None:
    lines = analyst("calls", "list").stdout.splitlines()
    (one,) = (line for line in lines if "call-one" in line)
    (two,) = (line for line in lines if "call-two" in line)
    assert "cancelled (lost)" in two
    assert "sale_closed (won)" in two
    assert "won" not in one


def test_a_list_in_json_has_items_and_next(analyst: Convmine) -> None:
    document = json.loads(analyst("calls", "list", "--limit", "1", "--json").stdout)
    assert len(document["items"]) == 1
    assert document["next"]


def test_a_call_is_shown_with_everything_that_is_known_of_it(analyst: Convmine) -> None:
    shown = analyst("calls", "show", "call-two").stdout
    for words in (
        "00:05  customer  I am worried about the price of my plan",
        "price_concern (0.90): “worried about the price”",
        "outcome inferred  cancelled (lost), by lexical",
        "outcome observed  sale_closed (won), by crm",
        "missing phrase: recording_notice",
        "suggestion at 00:05: Offer the loyalty discount [accepted]",
        "because: the customer worries about the price",
        "amount = 30",
        "00:15  customer  turns for the worse: “cancel my contract”",
        "00:05  price, answered: “worried about the price”, the agent: “offer you a discount”",
        "00:15  customer  next step: Cancels the contract. (due 2026-03-03, “tomorrow”)",
        "customer  50% of the talk, 2 turns, 16 words, longest 00:04, 120 words a minute, interrupts 1 times",
        "dead air 00:00, longest pause 00:01",
    ):
        assert words in shown
    assert "\x1b" not in shown


def test_a_shown_call_in_json_has_its_parts(analyst: Convmine) -> None:
    document = json.loads(analyst("calls", "show", "call-one", "--json").stdout)
    assert [turn["role"] for turn in document["turns"]] == ["agent", "customer"] * 2
    assert (document["call_id"], document["outcome_observed"]) == ("call-one", None)
    assert document["outcome_inferred"] == {"name": "cancelled", "result": "lost", "said_by": "lexical"}
    assert [intent["name"] for intent in document["intents"]] == ["price_concern", "cancel_contract"]
    assert document["suggestions"][0]["at_ms"] == 5_000
    assert document["objections"] == [
        {
            "topic": "price",
            "handling": "answered",
            "start_ms": 5_000,
            "quote": "worried about the price",
            "answer": "offer you a discount",
        }
    ]
    assert [(one["what"], one["due"]) for one in document["follow_ups"]] == [("Cancels the contract.", "2026-03-03")]
    assert [(one["role"], one["change"]) for one in document["tone_turns"]] == [("customer", "worse")]
    assert document["talk"]["sides"][0]["share"] == 0.5


def test_an_unknown_call_fails_with_the_nearest(analyst: Convmine) -> None:
    done = analyst("calls", "show", "call-tow")
    assert (done.code, done.stdout) == (1, "")
    assert "no call named 'call-tow'" in done.stderr
    assert "call-two" in done.stderr


def test_a_store_that_another_process_has_open_is_one_line(mined_folder: Path, analyst: Convmine) -> None:
    import portalocker

    with portalocker.Lock(mined_folder / "qdrant" / ".lock", flags=portalocker.LOCK_EX | portalocker.LOCK_NB):
        done = analyst("calls", "list")
    assert done.code == 1
    assert done.stderr.count("\n") == 1
    assert "in use by another process" in done.stderr


def test_the_turn_that_began_last_before_a_moment_is_marked(analyst: Convmine) -> None:
    for at, words in (("00:00", "good morning"), ("00:07", "worried"), ("99:59", "cancel")):
        lines = analyst("calls", "show", "call-one", "--at", at).stdout.splitlines()
        (marked,) = [line for line in lines if line.startswith("▶")]
        assert words in marked
    assert analyst("calls", "show", "call-one", "--at", "noon").code == 2
