from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.settings import (
    AsrSettings,
    BudgetSettings,
    ClaimSettings,
    ExtractSettings,
    KafkaSettings,
    LlmSettings,
    Settings,
    StoreSettings,
)
from pipeline.stages import STAGES
from workers import diagnosis
from workers.diagnosis import Finding, diagnose
from workers.edge import Edge

NOWHERE = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def found(settings: Settings) -> dict[str, Finding]:
    return {finding.part: finding for finding in diagnose(settings)}


@pytest.fixture
def store(tmp_path: Path) -> StoreSettings:
    return StoreSettings(path=tmp_path / "qdrant")


def test_a_package_that_the_settings_need_is_missing_with_its_fix_and_others_are_unused(
    store: StoreSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "find_spec", lambda name: None if name in {"whisper", "faster_whisper"} else name)
    parts = found(Settings(kafka=NOWHERE, store=store, asr=AsrSettings(engine="whisper")))
    assert (parts["openai-whisper"].state, parts["openai-whisper"].stages) == ("missing", ("asr",))
    assert parts["openai-whisper"].fix == "pip install 'convmine[whisper]'"
    assert parts["faster-whisper"].state == "unused"


def test_a_broker_that_is_set_and_away_is_missing_for_every_stage(store: StoreSettings) -> None:
    kafka = found(Settings(kafka=NOWHERE, store=store))["kafka"]
    assert kafka.state == "missing"
    assert {stage.name for stage in STAGES} == set(kafka.stages)
    assert "KAFKA_BOOTSTRAP_SERVERS" in kafka.fix


async def test_topics_that_are_missing_are_told_with_the_command_that_makes_them(
    kafka_settings: KafkaSettings, store: StoreSettings
) -> None:
    settings = Settings(kafka=kafka_settings, store=store)
    before = await asyncio.to_thread(found, settings)
    assert (before["kafka"].state, before["kafka"].fix) == ("missing", "convmine topics apply")
    await asyncio.to_thread(Edge(kafka_settings).apply_topics)
    assert (await asyncio.to_thread(found, settings))["kafka"].state == "ok"


def test_the_folder_of_claimed_values_is_tried_by_writing_to_it(store: StoreSettings, tmp_path: Path) -> None:
    settings = Settings(kafka=NOWHERE, store=store, claims=ClaimSettings(root=tmp_path / "claims"))
    claims = found(settings)["claims"]
    assert claims.state == "ok"
    assert str(tmp_path / "claims") in claims.detail
    (tmp_path / "file").write_bytes(b"")
    claims = found(settings.model_copy(update={"claims": ClaimSettings(root=tmp_path / "file")}))["claims"]
    assert claims.state == "missing"
    assert "CONVMINE_CLAIMS_ROOT" in claims.fix
    assert sorted(claims.stages) == sorted({stage.name for stage in STAGES})


def test_a_language_model_without_key_or_server_is_missing_only_when_it_is_set(store: StoreSettings) -> None:
    lexical = Settings(kafka=NOWHERE, store=store)
    assert found(lexical)["llm"].state == "unused"
    asked = found(lexical.model_copy(update={"extract": ExtractSettings(extractor="llm")}))["llm"]
    assert (asked.state, asked.stages) == ("missing", ("extract",))
    assert "OPENAI_API_KEY" in asked.fix


def test_a_store_that_is_away_is_missing_for_the_stages_that_use_it() -> None:
    store = found(Settings(kafka=NOWHERE, store=StoreSettings(url="http://127.0.0.1:1")))["qdrant"]
    assert (store.state, store.stages) == ("missing", ("suggest", "recap", "index"))


def test_a_model_without_a_price_is_said_with_the_setting_that_gives_it_one(store: StoreSettings) -> None:
    llm = LlmSettings(base_url="http://localhost:1/v1", model="m1")
    settings = Settings(kafka=NOWHERE, store=store, llm=llm, extract=ExtractSettings(extractor="llm"))
    price = found(settings)["price"]
    assert (price.state, price.fix.partition(",")[0]) == ("unused", "CONVMINE_BUDGET_PRICES=m1=INPUT:OUTPUT")
    priced = settings.model_copy(update={"budget": BudgetSettings(prices=("m1=0.4:1.6",))})
    assert (found(priced)["price"].state, found(priced)["price"].detail) == (
        "ok",
        "m1: 0.4 USD in, 1.6 out for a million tokens",
    )
