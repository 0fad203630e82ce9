"""The workbench over a real broker: what one writes and another approves is in the topic, and nothing is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

from config_topics import config_topics
from gateway_app import client_of
from workbench_bench import PEOPLE, WHERE, draft, stored_calls

from pipeline.audit.log_sqlite import SqliteAuditLog
from pipeline.questions.answering import StoredAnswers
from pipeline.settings import KafkaSettings, Settings
from pipeline.stages import CARDS
from workers.dashboard.workbench.room import workbench_on_kafka
from workers.gateway.app import create_app
from workers.gateway.auditing import Auditing
from workers.published import published_in

CARD = "/v1/workbench/cards/ask-reason"


async def test_a_card_is_written_by_one_and_approved_by_another_at_the_same_time_as_others(
    kafka_settings: KafkaSettings, tmp_path: Path
) -> None:
    edge = await asyncio.to_thread(config_topics, kafka_settings)
    settings, store = Settings(kafka=kafka_settings), await stored_calls(1)
    room = workbench_on_kafka(settings, store, Auditing(SqliteAuditLog(tmp_path / "audit.sqlite", days=1)))
    app = create_app(lambda asker: StoredAnswers(store, asker), PEOPLE.get, rooms=(room,))
    async with client_of(app, "analyst") as lin, client_of(app, "supervisor") as sue:
        written, other = await asyncio.gather(
            lin.put(f"{CARD}/draft", json=draft()),
            sue.put("/v1/workbench/cards/another/draft", json=draft()),
        )
        assert (written.status_code, other.status_code) == (200, 200)
        late = await sue.put(f"{CARD}/draft", json=draft(0, title="Mine"))
        assert late.status_code == 409
        approved = await sue.post(f"{CARD}/approve", json={**WHERE, "seen": 1})
        assert approved.json()["status"] == "approved"
    records = await asyncio.to_thread(lambda: list(edge.read(edge.spans((CARDS,)))))
    published = published_in(records, "acme")
    assert published.cards["telecom", "en", "ask-reason"].approved_by == "Sue"
    assert set(published.drafts) == {("telecom", "en", "another")}
