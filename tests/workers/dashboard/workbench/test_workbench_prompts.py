"""Prompts on the workbench: shown, rendered on a call, put to work and rolled back, by a supervisor alone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from workbench_bench import WHERE, Workplace, workplace

from pipeline.settings import Settings
from workers.fake_llm import serve

PROMPTS = "/v1/workbench/prompts"


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    monkeypatch.setenv("CONVMINE_WORKBENCH_PATH", str(tmp_path / "workbench.sqlite"))
    return await workplace(tmp_path, Settings())


async def extract(place: Workplace) -> dict[str, Any]:
    async with place.as_("analyst") as lin:
        rows = (await lin.get(PROMPTS, params=WHERE)).json()["items"]
    return next(row for row in rows if row["prompt"] == "extract")


def next_text(row: dict[str, Any], more: str = "") -> str:
    running = next(one for one in row["versions"] if one["runs"])
    text: str = running["text"].replace(f"version: {row['runs']}", f"version: {row['next']}", 1)
    return text + more


async def test_a_prompt_is_rendered_on_a_stored_call_and_on_a_sample(place: Workplace) -> None:
    row = await extract(place)
    async with place.as_("analyst") as lin:
        sent = {**WHERE, "text": next_text(row, "\nBe brief.\n"), "call": "acme-0"}
        found = (await lin.post(f"{PROMPTS}/extract/render", json=sent)).json()
        sample = (await lin.post(f"{PROMPTS}/extract/render", json={**sent, "call": None})).json()
        other = await lin.post(f"{PROMPTS}/extract/render", json={**sent, "call": "umbrella-0"})
    said = "".join(message["content"] for one in found["requests"] for message in one["messages"])
    assert "cancel my contract" in said
    assert said.rstrip().endswith("Be brief.")
    assert (found["stored"], sample["stored"]) == (True, False)
    assert other.status_code == 404
    (entry,) = (one for one in await place.recorded("prompt render") if one.calls == ("acme-0",))
    assert entry.who == "k-analyst"


async def test_what_is_wrong_with_a_text_is_told(place: Workplace) -> None:
    row = await extract(place)
    wrong = {
        "front matter": "no prompt at all",
        "not declared": next_text(row, "\n{{ nonsense }}\n"),
        "says": next_text(row).replace("id: extract", "id: other", 1),
    }
    async with place.as_("analyst") as lin:
        for part, text in wrong.items():
            refused = await lin.post(f"{PROMPTS}/extract/render", json={**WHERE, "text": text})
            assert refused.status_code == 422
            assert part in refused.json()["detail"]
            assert refused.json()["errors"][0]["pointer"] == "/text"


async def test_a_version_without_a_back_test_runs_by_force_with_a_reason_and_is_rolled_back(place: Workplace) -> None:
    row = await extract(place)
    body = {**WHERE, "seen": row["runs"], "version": row["next"], "text": next_text(row, "\nBe brief.\n")}
    async with place.as_("supervisor") as sue, place.as_("analyst") as lin:
        path = f"{PROMPTS}/extract/promote"
        assert (await lin.post(path, json={**body, "force": True, "reason": "x"})).status_code == 403
        refused = await sue.post(path, json=body)
        assert refused.status_code == 409
        assert "back-tested" in refused.json()["detail"]
        assert (await sue.post(path, json={**body, "force": True})).status_code == 422
        done = await sue.post(path, json={**body, "force": True, "reason": "the old one is worse"})
        assert done.status_code == 200, done.text
        assert done.json()["runs"] == row["next"]
        assert place.library("telecom", "acme").editions["en"].runs("extract").version == row["next"]  # type: ignore[union-attr]
        stale = await sue.post(f"{PROMPTS}/extract/rollback", json={**WHERE, "seen": row["runs"]})
        assert stale.status_code == 409
        back = await sue.post(f"{PROMPTS}/extract/rollback", json={**WHERE, "seen": row["next"], "reason": "no good"})
    assert back.json()["runs"] == row["runs"]
    record = place.published().prompts["telecom", "en", "extract"]
    assert (record.published_by, record.reason) == ("Sue", "no good")
    assert record.earlier[0].reason == "forced: the old one is worse"
    assert [len(await place.recorded(f"prompt {one}")) for one in ("promote", "rollback")] == [1, 1]


async def test_without_a_model_no_back_test_begins(place: Workplace) -> None:
    row = await extract(place)
    async with place.as_("analyst") as lin:
        body = {**WHERE, "text": next_text(row), "against": row["runs"]}
        assert (await lin.post("/v1/workbench/backtest", json=body)).status_code == 501
        assert (await lin.get("/v1/workbench/backtest")).json()["state"] == "none"
        assert (await lin.get("/v1/workbench/scenarios")).json()["has_model"] is False


async def test_a_back_test_goes_on_in_the_background_and_says_why_a_version_may_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as model:
        monkeypatch.setenv("CONVMINE_LLM_BASE_URL", model.base_url)
        for group in ("LLM_CACHE", "WORKBENCH", "BUDGET_LEDGER"):
            monkeypatch.setenv(f"CONVMINE_{group}_PATH", str(tmp_path / f"{group.lower()}.sqlite"))
        place = await workplace(tmp_path, Settings())
        row = await extract(place)
        body = {**WHERE, "text": next_text(row, "\nBe brief.\n"), "against": row["runs"]}
        async with place.as_("analyst") as lin, place.as_("stranger") as eve:
            begun = await lin.post("/v1/workbench/backtest", json=body)
            assert begun.json()["state"] == "running", begun.text
            assert (await lin.post("/v1/workbench/backtest", json=body)).status_code == 409
            while (job := (await lin.get("/v1/workbench/backtest")).json())["state"] == "running":  # noqa: ASYNC110 - as the page asks
                await asyncio.sleep(0.1)
            tried = (await lin.post("/v1/workbench/prompts/try", json=body)).json()
            assert (await eve.get("/v1/workbench/backtest")).json()["state"] == "none"
    assert (job["state"], job["done"], job["all"]) == ("done", 6, 6), job["why"]
    assert (job["result"]["a"]["label"], job["result"]["b"]["calls"]) == (f"extract.v{row['runs']}", 3)
    assert "no labels" in job["objection"]
    assert [one["call_id"] for one in tried["items"]] == ["acme-2", "acme-1", "acme-0"]
    assert tried["versions"] == [f"extract.v{row['runs']}", f"extract.v{row['next']}"]
    assert all(one["errors"] == [None, None] for one in tried["items"])
