"""The benchmark of the store: both sides write the same points, and what cannot be had is told as not run."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from benchmarks.store import main, ratio_of
from benchmarks.store_ingest import Run, bare_run, plain_run, worker_run
from benchmarks.store_material import TENANT, Material, Place, Precomputed, fresh, material
from pipeline.store.embedding.registry import HashingEncoder, InThread

EMBEDDER = InThread(HashingEncoder())


async def test_the_points_are_those_of_the_calls_and_their_vectors_are_at_hand() -> None:
    found = await material(EMBEDDER, 3, 10)
    assert set(found.points) == {"utterances", "intents", "calls", "suggestions"}
    assert {point.payload["tenant_id"] for points in found.points.values() for point in points} == {TENANT}
    assert {point.text for points in found.points.values() for point in points} <= set(found.vectors)
    assert len(found.points["calls"]) == 3


async def test_both_sides_bring_all_points_in_and_leave_nothing_behind() -> None:
    found: Material = await material(EMBEDDER, 2, 8)
    at_hand = Precomputed(EMBEDDER, found.vectors)
    runs = [
        await worker_run(Place(), at_hand, found),
        await bare_run(Place(), at_hand, found, embeds=False),
        await bare_run(Place(), EMBEDDER, found, embeds=True),
        await plain_run(at_hand, found),
    ]
    assert {run.points for run in runs} == {found.size}
    async with fresh(Place(), EMBEDDER) as (store, _, _):
        assert await store.get("calls", [found.points["calls"][0].id]) == []


def test_the_ratio_is_the_median_of_rounds_and_not_of_sides() -> None:
    runs = {"a": [Run(10, 1, 1), Run(10, 2, 1), Run(10, 10, 1)], "b": [Run(10, 1, 1), Run(10, 1, 1), Run(10, 10, 1)]}
    assert ratio_of(runs, "a", "b") == 1.0


def test_one_json_object_is_the_last_line_and_sizes_beyond_local_mode_are_not_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("QDRANT_URL", raising=False)
    monkeypatch.setattr("benchmarks.store.collect_garbage_seldom", lambda: None)
    arguments = ["--json", "--calls", "2", "--per-call", "8", "--rounds", "1", "--utterances", "200", "--repeats", "2"]
    done = CliRunner().invoke(main, [*arguments, "--utterances", "50000"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["name"] == "store"
    assert report["ratio"] > 0
    asked = report["figures"]["questions"]
    assert (asked["50000"], asked["1000000"]) == ("not run", "not run")
    assert asked["200"]["search_hybrid_two_filters_ms"]["p95"] > 0
    assert asked["200"]["export"]["jsonl_rows_a_second"] > 0
    assert asked["200"]["export"]["calls_parquet_rows_a_second"] > 0
    assert report["figures"]["ingest"]["ratio_same_commits"] > 0
