"""The benchmark of language models: it asks what the worker asks, and its figures are of calls that were mined."""

from __future__ import annotations

import asyncio
import json

import pytest

from benchmarks.llm import ratio_of
from benchmarks.llm_cpu import cpu_time, lexical_per_second
from benchmarks.llm_material import Material, fake_llm, material, stats
from benchmarks.llm_rate import Run, bare_run, share_of_limit, side_by_side, worker_run
from workers.fake_llm import serve


@pytest.fixture(scope="module")
def found() -> Material:
    return asyncio.run(material())


def test_calls_have_ids_of_their_own_and_the_words_of_the_samples(found: Material) -> None:
    records = found.records(25)
    calls = [json.loads(record.value or b"") for record in records]
    assert len({call["call_id"] for call in calls}) == 25
    assert calls[0]["segments"] == calls[len(found.transcripts)]["segments"]


async def test_the_worker_mines_all_calls_with_the_answers_of_the_script(found: Material) -> None:
    with serve(*found.script().steps) as server:
        run = await worker_run(server.base_url, found, calls=12, in_flight=4)
        assert server.stats.answered == {"text": 12}
    assert (run.mined, run.failed, len(run.done_at)) == (12, 0, 12)


async def test_the_bare_client_sends_the_same_requests(found: Material) -> None:
    with serve(*found.script().steps) as server:
        run = await bare_run(server.base_url, found, calls=len(found.bodies), in_flight=4)
        sent = [request["messages"] for request in server.requests]
    assert run.mined == len(found.bodies)
    assert sorted(map(str, sent)) == sorted(str(body["messages"]) for body in found.bodies)


async def test_both_are_run_in_every_round(found: Material) -> None:
    with serve(*found.script().steps) as server:
        runs = await side_by_side(server.base_url, found, calls=5, in_flight=5, rounds=2)
    assert {name: len(several) for name, several in runs.items()} == {"convmine": 2, "bare": 2}


async def test_a_limit_is_used_and_no_call_fails(found: Material) -> None:
    with serve(*found.script().steps, requests_per_minute=1_200, burst=2) as server:
        share = await share_of_limit(server.base_url, found, per_minute=1_200, burst=2, calls=24, in_flight=24)
    assert (share.calls, share.failed) == (24, 0)
    assert 0.2 < share.used < 1.2


async def test_cpu_time_and_utterances_are_counted(found: Material) -> None:
    taken = await cpu_time(found, calls=10)
    assert 0 < taken.extractor_ms < taken.handler_ms * 2
    per_second, words = await lexical_per_second(found, count=60, longest=60)
    assert per_second > 0
    assert 1 < words < 20


def test_the_ratio_is_that_of_the_medians() -> None:
    runs = {
        "convmine": [Run(10, 1, 100, 0), Run(20, 1, 100, 0), Run(10, 1, 100, 0)],
        "bare": [Run(8, 1, 100, 0)] * 3,
    }
    assert ratio_of(runs) == 0.8


def test_the_server_of_the_benchmark_is_a_process_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    from workers.fake_llm import Script

    with fake_llm(Script(), tmp_path_factory.mktemp("fake")) as base_url:
        assert stats(base_url)["asked"] == 0
