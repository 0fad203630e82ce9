from __future__ import annotations

import asyncio
import json
import shlex
from pathlib import Path

from mined_calls import feedback, inbound
from mined_store import Convmine

from pipeline.ports import Where
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from pipeline.store.stage import build
from schemas.suggestion import FeedbackKind


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


def test_the_next_page_is_printed_as_a_command_that_works_as_typed(analyst: Convmine) -> None:
    for of, sort in (("intents", "confidence"), ("calls", "-started"), ("utterances", None), ("suggestions", None)):
        options = ["--of", of, "--limit", "1", *(["--sort", sort] if sort else [])]
        done = analyst("query", *options, "--where", "scenario=telecom")
        command = done.stderr.removeprefix("more: ")
        following = analyst(*shlex.split(command)[1:])
        assert following.code == 0, following.stderr
        assert following.stdout.splitlines()[:3] != []
        assert following.stdout != done.stdout


def test_each_kind_of_row_has_its_table(analyst: Convmine) -> None:
    for of, said in (("calls", "sale_closed (won)"), ("utterances", "discount"), ("suggestions", "offer-discount")):
        done = analyst("query", "--of", of)
        assert said in done.stdout, of


def test_a_mark_or_an_order_that_is_none_is_a_usage_error(analyst: Convmine) -> None:
    for options in (
        ("--after", "x"),
        ("--sort", "started", "--after", "x"),
        ("--sort", "agent"),
        ("--sort", "strated"),
    ):
        done = analyst("query", *options)
        assert (done.code, done.stdout, done.stderr.count("\n")) == (2, "", 1), options


def test_what_an_unknown_suggestion_became_is_no_row(convmine: Convmine, tmp_path: Path) -> None:
    asyncio.run(_bare_suggestion(tmp_path / "qdrant"))
    done = convmine("query", "--of", "suggestions", "--json")
    assert json.loads(done.stdout)["items"] == []


async def _bare_suggestion(folder: Path) -> None:
    store = QdrantStore(Folder(folder), InThread(HashingEncoder()))
    await store.prepare()
    await build(store=store)(inbound(feedback("k1", FeedbackKind.ACCEPTED)))
    assert await store.count("suggestions", Where()) == 1
    await store.close()
