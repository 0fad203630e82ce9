from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import Config
from pipeline.ports import Where
from pipeline.settings import Settings, StoreSettings
from pipeline.store.collections import CALLS
from pipeline.store.open import open_store, store_of


def _settings(**store: object) -> Settings:
    """Settings that nothing in this environment has a say in."""
    return Settings.model_construct(store=StoreSettings.model_validate({"embedder": "hashing", **store}))


async def test_without_a_url_the_store_is_a_folder_that_is_made(tmp_path: Path) -> None:
    async with store_of(_settings(path=tmp_path / "deep" / "qdrant")) as store:
        assert await store.count(CALLS, Where()) == 0
    assert (tmp_path / "deep" / "qdrant").is_dir()


async def test_with_a_url_the_store_is_that_server(stand_in_url: str, tmp_path: Path) -> None:
    async with store_of(_settings(url=stand_in_url, path=tmp_path / "unused", prefix="opened-")) as store:
        assert await store.count(CALLS, Where()) == 0
    assert not (tmp_path / "unused").exists()


async def test_a_store_that_was_closed_can_be_opened_by_the_next(tmp_path: Path) -> None:
    for _ in range(2):
        async with store_of(_settings(path=tmp_path)):
            pass


async def test_the_folder_is_given_back_where_preparing_failed(tmp_path: Path) -> None:
    async with store_of(_settings(path=tmp_path)):
        pass
    with pytest.raises(Config, match="CONVMINE_STORE_EMBEDDER"):
        async with store_of(_settings(path=tmp_path, embedder="wordllama")):
            pass
    async with store_of(_settings(path=tmp_path)):
        pass


async def test_opening_connects_to_nothing(tmp_path: Path) -> None:
    await open_store(_settings(path=tmp_path / "qdrant")).close()
    assert not (tmp_path / "qdrant").exists()
