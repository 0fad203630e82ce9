"""``convmine calls erase`` and ``calls erasures`` in a local store, where no Kafka is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from kafka_node import free_port
from mined_store import Convmine, Done

from pipeline.export.outputs import TextOutput
from workers import kafka_clients


@pytest.fixture
def folder(mined_folder: Path, tmp_path: Path) -> Path:
    """A copy of the store with two mined calls, as these tests change it."""
    return Path(shutil.copytree(mined_folder, tmp_path / "mined"))


@pytest.fixture
def erase(folder: Path, convmine: Convmine, monkeypatch: pytest.MonkeyPatch) -> Convmine:
    """Runs commands on that copy; nothing listens where Kafka would be."""
    monkeypatch.setattr(kafka_clients, "BOOTSTRAP_MS", 10)
    monkeypatch.setenv("CONVMINE_STORE_PATH", str(folder / "qdrant"))
    for group in ("LLM_CACHE", "WORKBENCH", "PRIVACY_VAULT", "ANALYTICS", "AUDIT"):
        monkeypatch.setenv(f"CONVMINE_{group}_PATH", str(folder / group.lower()))
    monkeypatch.setenv("CONVMINE_CLAIMS_ROOT", str(folder / "claims"))
    return convmine


def document(done: Done) -> Any:
    return json.loads(done.stdout)


def test_a_call_is_erased_and_said_to_be_and_the_receipt_is_kept(erase: Convmine) -> None:
    done = erase("calls", "erase", "call-one", "--yes", "--reason", "asked for by letter", "--json")
    assert done.code == 0
    receipt = document(done)
    removed = {one["place"]: one["removed"] for one in receipt["removed"]}
    assert removed["Qdrant collection calls-1"] == 1
    assert removed["Qdrant collection utterances-1"] == 4
    assert (receipt["published"], receipt["whole"], receipt["not_reached"]) == (False, True, [])
    assert "no Kafka is set" in receipt["notes"][0]
    shown = erase("calls", "show", "call-one")
    assert shown.code == 1
    assert "'call-one' was erased on" in shown.stderr
    assert [one["call_id"] for one in document(erase("calls", "list", "--json"))["items"]] == ["call-two"]
    (kept,) = document(erase("calls", "erasures", "--json"))["items"]
    assert (kept["receipt_id"], kept["reason"]) == (receipt["receipt_id"], "asked for by letter")


def test_a_call_erased_twice_says_when_it_was_first_and_a_call_with_its_words_stays_out(erase: Convmine) -> None:
    first = document(erase("calls", "erase", "call-one", "--yes", "--json"))
    again = document(erase("calls", "erase", "call-one", "--yes", "--json"))
    (call,) = again["calls"]
    assert (call["was_stored"], call["erased_before"]) == (False, first["requested_at"])
    assert {one["removed"] for one in again["removed"]} == {0}


def test_an_unknown_call_is_refused_unless_it_is_meant(erase: Convmine) -> None:
    refused = erase("calls", "erase", "nobody")
    assert refused.code == 1
    assert "no call named 'nobody' is stored" in refused.stderr
    assert "--yes" in refused.stderr
    done = erase("calls", "erase", "nobody", "--yes")
    assert done.code == 0
    assert "nobody (not stored)" in done.stdout


def test_all_calls_of_a_customer_go_and_the_receipt_has_no_customers_id(erase: Convmine) -> None:
    receipt = document(erase("calls", "erase", "--customer", "c-1", "--yes", "--json"))
    assert [one["call_id"] for one in receipt["calls"]] == ["call-one", "call-two"]
    assert '"c-1"' not in json.dumps(receipt)
    assert "no calls of customer 'c-2'" in erase("calls", "erase", "--customer", "c-2").stderr


def test_a_rehearsal_says_what_would_go_and_changes_nothing(erase: Convmine) -> None:
    told = erase("calls", "erase", "call-one", "--dry-run")
    assert "would be erased: call-one (stored)" in told.stdout
    assert "4  points in utterances-1" in told.stdout
    assert erase("calls", "show", "call-one").code == 0
    assert document(erase("calls", "erasures", "--json"))["items"] == []


def test_what_is_no_question_is_refused(erase: Convmine) -> None:
    assert erase("calls", "erase").code == 2
    assert erase("calls", "erase", "a", "--customer", "c").code == 2
    piped = erase("calls", "erase", "call-one")
    assert (piped.code, "--yes" in piped.stderr) == (2, True)
    assert erase("calls", "erase", "x" * 250, "--yes").code == 1


def test_a_broker_that_is_set_and_away_is_said_not_to_be_reached(
    erase: Convmine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    done = erase("calls", "erase", "call-one", "--yes", "--json")
    assert done.code == 1
    receipt = document(done)
    (failed,) = receipt["not_reached"]
    assert failed["place"] == "Kafka"
    assert {one["from_broker"] for one in receipt["still_held"]} == {False}
    assert erase("calls", "show", "call-one").code == 1, "the rest is done"


def test_an_erased_call_is_not_mined_again_by_the_demo(erase: Convmine, tmp_path: Path) -> None:
    turns = [{"role": "customer", "at_ms": 0, "text": "I want to cancel my contract"}]
    chat = tmp_path / "chat.json"
    chat.write_text(json.dumps({"call_id": "call-one", "language": "en", "scenario": "telecom", "messages": turns}))
    erase("calls", "erase", "call-one", "--yes")
    again = erase("demo", str(chat), "--json")
    assert again.code == 0
    assert document(again)["items"] == []
    assert "call-one was erased on" in again.stderr
    assert erase("calls", "show", "call-one").code == 1


def test_an_export_that_was_interrupted_does_not_go_on_over_an_erasure(
    erase: Convmine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("export", "jsonl", "--out", str(tmp_path / "out"), "--rows", "calls,utterances")

    def interrupted(_: TextOutput) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TextOutput, "finish", interrupted)
        assert erase(*command).code == 130
    erase("calls", "erase", "call-one", "--yes")
    refused = erase(*command)
    assert (refused.code, "erased since this export began" in refused.stderr) == (1, True)
    assert erase(*command, "--overwrite").code == 0
    assert "call-one" not in (tmp_path / "out" / "calls.jsonl").read_text()
