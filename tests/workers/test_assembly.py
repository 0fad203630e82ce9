from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from published_config import scenario_published
from pydantic import SecretStr

from pipeline.asr import live, registry, stage
from pipeline.asr.batcher import Batching
from pipeline.ports import AsrEngine
from pipeline.privacy.keeping import KeptLive, mask_and_note
from pipeline.privacy.sealing import new_key
from pipeline.scenarios.model import EntityDefinition, EntityValue
from pipeline.scenarios.opened import load_library
from pipeline.settings import AsrSettings, LlmSettings, PrivacySettings, Settings
from pipeline.stages import Stage, stage_named
from pipeline.testing import ScriptedEngine
from schemas.flow import FlowGraph
from schemas.wire import Lane
from workers.assembly import Assembly


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the asr stages of both lanes are built with; the engine is a scripted one."""
    found: list[dict[str, Any]] = []

    def noting(build: Callable[..., Any]) -> Callable[..., Any]:
        def noted(**given: Any) -> Any:
            found.append(given)
            return build(**given)

        return noted

    def scripted(settings: AsrSettings) -> AsrEngine:
        del settings
        return ScriptedEngine()

    monkeypatch.setattr(registry, "build_engine", scripted)
    monkeypatch.setattr(stage, "build", noting(stage.build))
    monkeypatch.setattr(live, "build", noting(live.build))
    return found


def asr(lane: Lane) -> Stage:
    found = stage_named("asr", lane)
    assert found is not None
    return found


async def no_graphs(partition: int) -> Mapping[str, FlowGraph]:
    del partition
    return {}


async def both_lanes(settings: Settings) -> None:
    async with Assembly(settings, no_graphs, load_library(settings)) as assembly:
        await assembly.handler(asr(Lane.BATCH))
        await assembly.handler(asr(Lane.LIVE))


@pytest.mark.parametrize(("engine", "batched"), [("whisper", True), ("faster-whisper", True), ("pocketsphinx", False)])
async def test_both_lanes_share_one_engine_and_one_batcher_where_it_decodes_batches(
    built: list[dict[str, Any]], tmp_path: Path, engine: str, *, batched: bool
) -> None:
    asr_settings = AsrSettings.model_validate({"engine": engine, "batch": 24})
    await both_lanes(Settings(asr=asr_settings, llm=LlmSettings(cache_path=tmp_path / "answers.sqlite")))
    batch, live_lane = built
    assert batch["engine"] is live_lane["engine"]
    assert isinstance(batch["engine"], Batching) == batched
    assert batch["aids"].portion_spans == 48  # two of the engine's batches


async def test_both_lanes_are_told_the_words_of_a_scenario_and_of_an_unknown_one_none(
    built: list[dict[str, Any]], tmp_path: Path
) -> None:
    await both_lanes(Settings(llm=LlmSettings(cache_path=tmp_path / "answers.sqlite")))
    for vocabulary in (built[0]["aids"].vocabulary, built[1]["vocabulary"]):
        assert vocabulary("telecom", "en")
        assert vocabulary("no such scenario", "en") == ()
        assert vocabulary(None, "en") == ()


async def test_the_words_that_an_engine_is_told_are_those_of_the_version_that_runs(
    built: list[dict[str, Any]], tmp_path: Path
) -> None:
    settings = Settings(llm=LlmSettings(cache_path=tmp_path / "answers.sqlite"))
    library = load_library(settings)
    async with Assembly(settings, no_graphs, library) as assembly:
        await assembly.handler(asr(Lane.BATCH))
        vocabulary = built[0]["aids"].vocabulary
        assert "router" not in vocabulary("telecom", "en")
        scenario = library("telecom", settings.tenant)
        entity = EntityDefinition(
            name="device", title="Device", values=(EntityValue(value="router", said=("router",)),), patterns=("router",)
        )
        edition = scenario.edition("en")
        taxonomy = edition.taxonomy.model_copy(update={"entities": (entity,)})
        edition = edition.model_copy(update={"taxonomy": taxonomy})
        published = scenario.model_copy(update={"version": 99, "editions": {**scenario.editions, "en": edition}})
        library.take_scenario(settings.tenant, scenario_published(published))
        assert "router" in vocabulary("telecom", "en")


async def test_nothing_is_opened_to_keep_spans_in_before_there_is_one(
    built: list[dict[str, Any]], tmp_path: Path
) -> None:
    await both_lanes(Settings(llm=LlmSettings(cache_path=tmp_path / "folder" / "answers.sqlite")))
    assert built[0]["aids"].keep_from_s == 600
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - an async function has no business with Path.iterdir


async def test_with_a_key_both_lanes_keep_what_they_mask_in_one_vault(
    built: list[dict[str, Any]], tmp_path: Path
) -> None:
    privacy = PrivacySettings(vault_key=SecretStr(new_key()), vault_path=tmp_path / "vault.sqlite")
    settings = Settings(privacy=privacy, llm=LlmSettings(cache_path=tmp_path / "answers.sqlite"))
    async with Assembly(settings, no_graphs, load_library(settings)) as assembly:
        await assembly.handler(asr(Lane.BATCH))
        handler = await assembly.handler(asr(Lane.LIVE))
    assert isinstance(handler, KeptLive)
    assert [it["mask"] for it in built] == [mask_and_note, mask_and_note]
