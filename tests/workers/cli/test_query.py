from __future__ import annotations

import json

from mined_store import Convmine


def test_a_query_lists_intents_with_their_words(analyst: Convmine) -> None:
    done = analyst("query", "--intent", "cancel_contract")
    assert done.code == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if "cancel_contract" in line]
    assert len(rows) == 2
    assert all("00:15" in row and "cancel my contract" in row for row in rows)


def test_the_pages_of_json_go_on_from_next(analyst: Convmine) -> None:
    first = json.loads(analyst("query", "--limit", "3", "--json").stdout)
    second = json.loads(analyst("query", "--limit", "3", "--after", first["next"], "--json").stdout)
    assert second["next"] is None
    found = sorted((item["call_id"], item["name"]) for item in first["items"] + second["items"])
    assert found == [(call, name) for call in ("call-one", "call-two") for name in ("cancel_contract", "price_concern")]


def test_filters_are_applied_together(analyst: Convmine) -> None:
    done = analyst("query", "--outcome", "won", "--outcomes", "observed", "--where", "confidence>=0.8", "--json")
    assert [(item["call_id"], item["name"]) for item in json.loads(done.stdout)["items"]] == [
        ("call-two", "price_concern")
    ]


def test_an_unknown_intent_in_json_is_an_error_object(analyst: Convmine) -> None:
    done = analyst("query", "--intent", "cancel_contracts", "--json")
    assert done.code == 1
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "unknown"
    assert "cancel_contract" in error["hint"]


def test_an_empty_answer_is_empty_json_and_says_why(analyst: Convmine) -> None:
    document = json.loads(analyst("query", "--intent", "cancel_contract", "--role", "agent", "--json").stdout)
    assert (document["items"], document["next"], document["emptied_by"]) == ([], None, "role=agent")
