from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pipeline.export.incremental import Analytics, Refreshed
from pipeline.settings import AnalyticsSettings
from pipeline.testing import InMemoryLedger, InMemoryStore
from workers.gateway.opened import SharedAnalytics


async def test_one_refresh_serves_all_who_wait_and_outlives_who_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = asyncio.Event(), []

    async def slow(_: Analytics, tenant_id: str) -> Refreshed:
        begun.append(tenant_id)
        await go.wait()
        return Refreshed(1, 0, 0.0)

    monkeypatch.setattr(Analytics, "refresh", slow)
    analytics = SharedAnalytics(InMemoryStore(), InMemoryLedger(), AnalyticsSettings(path=tmp_path))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await analytics.refresh("acme")
    waiting = [asyncio.create_task(analytics.refresh(tenant)) for tenant in ("acme", "acme", "umbrella")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    go.set()
    assert {one.calls for one in await asyncio.gather(*waiting)} == {1}
    assert sorted(begun) == ["acme", "umbrella"]
    await analytics.refresh("acme")
    assert sorted(begun) == ["acme", "acme", "umbrella"]
    await analytics.stop()
