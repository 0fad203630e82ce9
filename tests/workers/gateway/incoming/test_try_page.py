"""Somebody opens the page in a real browser, speaks (tones that Chromium makes), and sees what is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from browsers import browser_page
from gateway_app import KEYS, client_of
from listeners import KeepingPublisher, gateway
from prometheus_client import CollectorRegistry

from pipeline.access.principal import Principal
from pipeline.handling import Outbound
from pipeline.questions.answering import StoredAnswers
from pipeline.stages import SUGGESTIONS, transcripts
from pipeline.testing import InMemoryStore
from schemas.audio import AudioChunk
from schemas.call import CallEnded, CallStarted
from schemas.compliance import AlertKind, CallAlert, ChecklistItem, ChecklistUpdated
from schemas.envelope import message
from schemas.suggestion import SuggestionCreated
from schemas.transcript import Segment, TranscriptSegment
from schemas.wire import CallEvent, CallFacts, Lane, Role
from workers.gateway.app import create_app
from workers.gateway.incoming.incoming import Incoming, IncomingMeasures
from workers.gateway.incoming.sessions import Sessions
from workers.gateway.incoming.try_page import PAGES
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.reading import Streams
from workers.gateway.outgoing.tail import InProcessTail
from workers.gateway.serving import listening
from workers.in_process import InProcessBroker
from workers.records import write_event

MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
DESK = Principal("k-desk", "acme", frozenset({"publish", "supervisor"}))
SCRIPT = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


async def test_the_page_and_its_parts_are_open_and_run_nothing_but_themselves(tmp_path: Path) -> None:
    async with gateway(tmp_path, listens=False) as on, client_of(on.app, None) as client:
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
        page = (await client.get("/try")).text
        assert "<script>" not in page
        assert " on" + "click=" not in page
        assert "style=" not in page


class Desk:
    """A gateway with calls that come in and events that go out."""

    def __init__(self, url: str, publisher: KeepingPublisher, broker: InProcessBroker) -> None:
        self.url = url
        self.publisher = publisher
        self._broker = broker

    async def find(self, call_id: str, *events: CallEvent) -> None:
        """Events of the call, as stages publish them."""
        for number, event in enumerate(events):
            topic = transcripts(Lane.LIVE) if isinstance(event, TranscriptSegment) else SUGGESTIONS
            sent = message(
                event, id=f"{call_id}{number}", source="/test", time=NOW, subject=call_id, tenant_id=DESK.tenant_id
            )
            await self._broker.publish([write_event(Outbound(topic, sent))])


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    publisher, broker, hub, registry = KeepingPublisher(), InProcessBroker(), Hub(900), CollectorRegistry()
    sessions, store, keys = Sessions(publisher), InMemoryStore(), {**KEYS, "desk": DESK}
    incoming = Incoming(
        sessions=sessions,
        is_away=lambda: publisher.away,
        uploads=folder,
        measures=IncomingMeasures(registry, sessions),
        whose=keys.get,
    )
    app = create_app(
        lambda asker: StoredAnswers(store, asker),
        keys.get,
        streams=Streams(hub, broker),
        incoming=incoming,
        registry=registry,
    )
    following = asyncio.create_task(InProcessTail(broker, every_s=0.01).follow(hub))
    try:
        async with listening(app, "127.0.0.1", 0, drain_s=2) as (url, _):
            yield Desk(url, publisher, broker)
            hub.drain()
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


def found_in(call_id: str) -> list[CallEvent]:
    """What stages find in a call; its words hold script, as hostile callers say it."""
    said = Segment(segment_id="s1", role=Role.CUSTOMER, start_ms=61_000, end_ms=63_000, text=f"too expensive {SCRIPT}")
    advice = SuggestionCreated(
        call_id=call_id,
        suggestion_id="a1",
        call=CallFacts(),
        lane=Lane.LIVE,
        card_id="card-1",
        title="Offer the annual plan",
        text="The annual plan saves two months.",
        reason="the price was named",
        priority=50,
        approved_by="eva",
        at_ms=63_000,
        created_at=NOW,
        expires_at=NOW + timedelta(minutes=1),
    )
    items = (ChecklistItem(name="greeting", title="Greets by name", role=Role.AGENT),)
    alert = CallAlert(
        call_id=call_id,
        alert_id="w1",
        kind=AlertKind.SENSITIVE_WORD,
        name="lawyer",
        title="A lawyer is named",
        at_ms=63_000,
        raised_at=NOW,
    )
    return [
        TranscriptSegment(call_id=call_id, segment=said, final=True),
        advice,
        ChecklistUpdated(call_id=call_id, at_ms=63_000, items=items),
        alert,
    ]


@pytest.mark.timeout(180)
async def test_somebody_speaks_and_sees_what_is_found(tmp_path: Path) -> None:
    async with desk(tmp_path) as on, browser_page(MICROPHONE, locale="en-GB") as page:
        await page.goto(f"{on.url}/try")
        await page.fill("#key", "desk")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#status[data-state=on]", timeout=60_000)
        (started,) = on.publisher.events(CallStarted)
        call_id = started.payload.call_id  # type: ignore[attr-defined]
        await on.find(call_id, *found_in(call_id))
        await page.wait_for_selector("#alerts li", timeout=30_000)
        assert SCRIPT in await page.inner_text("#transcript")
        assert "01:01" in await page.inner_text("#transcript")
        assert "The annual plan saves two months." in await page.inner_text("#suggestions")
        assert "Greets by name" in await page.inner_text("#checklist")
        assert "A lawyer is named" in await page.inner_text("#alerts")
        assert await page.title() == "convmine: try it with a microphone"
        await page.wait_for_timeout(1_500)
        await page.screenshot(path=tmp_path / "light.png", full_page=True)
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#status[data-state=ended]", timeout=30_000)
        assert isinstance(on.publisher.events()[-1].payload, CallEnded)
        chunks = on.publisher.events(AudioChunk)
        assert len(chunks) >= 5
        assert max(on.publisher.audio()) > 0
        assert chunks[0].payload.channels[0].role is Role.CUSTOMER  # type: ignore[attr-defined]
        assert await page.evaluate("Object.keys(localStorage).length + document.cookie.length") == 0


@pytest.mark.timeout(180)
async def test_in_chinese_and_in_the_dark_a_wrong_key_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path) as on, browser_page(MICROPHONE, locale="zh-CN", color_scheme="dark") as page:
        await page.goto(f"{on.url}/try")
        await page.fill("#key", "nobody")
        await page.click("#start")
        await page.wait_for_selector("#status:text-is('密钥无效。')", timeout=60_000)
        assert await page.inner_text("h1") == "用麦克风试一试"
        assert await page.is_enabled("#start")
        assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(20, 23, 26)"
        await page.screenshot(path=tmp_path / "dark.png", full_page=True)
        assert on.publisher.records == []
