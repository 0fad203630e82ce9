"""Stored calls, and results in files, as people judge them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from judged_calls import TURNS, judged_call, judged_insight, judged_transcript
from mined_calls import TENANT, flow_state, inbound, outcome, transcript

from pipeline.labels.mined_call import MinedCall
from pipeline.labels.result_file import ResultsUnreadable, read_results
from pipeline.labels.stored_calls import calls_of_results, mined_call_ids, stored_call
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.wire import Role


@pytest.fixture
async def store() -> InMemoryStore:
    """Two mined calls, one of which only the CRM knows, and one of which only the words came."""
    store = InMemoryStore()
    handler = build(store=store)
    for call_id in ("c1", "c2"):
        mined = judged_insight(call_id, customer="c-1")
        for event in (judged_transcript(call_id, customer="c-1"), mined, flow_state(mined)):
            await handler(inbound(event))
    await handler(inbound(outcome("only-crm")))
    await handler(inbound(transcript("only-words")))
    return store


async def test_a_stored_call_is_the_one_that_was_mined(store: InMemoryStore) -> None:
    assert await stored_call(store, TENANT, "c1") == judged_call(customer="c-1")


async def test_a_call_that_was_not_mined_is_none(store: InMemoryStore) -> None:
    for call_id in ("only-crm", "only-words", "no-such"):
        assert await stored_call(store, TENANT, call_id) is None
    assert await stored_call(store, "umbrella", "c1") is None


async def test_the_calls_of_a_version_are_named(store: InMemoryStore) -> None:
    async def named(version: str | None) -> set[str]:
        return {call_id async for call_id in mined_call_ids(store, TENANT, prompt_version=version)}

    assert await named(None) == await named("extract.v2") == {"c1", "c2"}
    assert await named("extract.v1") == set()


def results(folder: Path, *rows: object) -> Path:
    path = folder / "results.jsonl"
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
    return path


def result(call_id: str, *, with_words: bool = True) -> dict[str, object]:
    row: dict[str, object] = {"id": "input", "insight": judged_insight(call_id).model_dump(mode="json")}
    return {**row, "transcript": judged_transcript(call_id).model_dump(mode="json")} if with_words else row


async def read(store: InMemoryStore, path: Path) -> list[MinedCall]:
    return [call async for call in calls_of_results(store, TENANT, path)]


async def test_results_are_read_with_their_words_or_with_those_that_are_stored(
    store: InMemoryStore, tmp_path: Path
) -> None:
    path = results(
        tmp_path, result("new"), {"insight": None, "error": "no valid answer"}, result("c1", with_words=False)
    )
    first, second = await read(store, path)
    assert first == judged_call("new")
    assert second == judged_call("c1")


async def test_the_words_of_a_file_are_masked_as_all_that_comes_in(tmp_path: Path) -> None:
    told = transcript("c9", ((Role.CUSTOMER, "my card number is 4111 1111 1111 1111"), *TURNS[1:]))
    row = {**result("c9"), "transcript": told.model_dump(mode="json")}
    (call,) = await read(InMemoryStore(), results(tmp_path, row))
    assert call.segments[0].text == "my card number is [CARD]"


async def test_a_call_whose_words_are_nowhere_is_told(store: InMemoryStore, tmp_path: Path) -> None:
    with pytest.raises(ResultsUnreadable, match="the words of call 'new' are nowhere"):
        await read(store, results(tmp_path, result("new", with_words=False)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "line 2: Invalid JSON"),
        ("{}", "line 2: insight: Field required"),
        ('{"insight": {"call_id": "c1"}}', "line 2: insight."),
        ({**result("c1"), "insight": judged_insight("c2").model_dump(mode="json")}, "the insight is of 'c2'"),
    ],
)
def test_a_line_that_is_no_result_is_told(line: object, said: str, tmp_path: Path) -> None:
    with pytest.raises(ResultsUnreadable, match=r"results\.jsonl") as caught:
        list(read_results(results(tmp_path, result("c1"), line)))
    assert said in caught.value.message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultsUnreadable, match="cannot be read: No such file"):
        list(read_results(tmp_path / "none.jsonl"))
