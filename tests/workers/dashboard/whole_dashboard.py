"""The whole dashboard over a call centre's day: stored calls with recordings, live calls, costs, and what died."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from dashboard_calls import Call, Tongue, alert, lasts, said, started, state, suggested
from dashboard_site import Site, dashboard_site
from died_events import died, original
from fastapi import APIRouter
from mined_calls import inbound

from pipeline import samples
from pipeline.errors import Poison, Retryable
from pipeline.extract.registry import build_extractor
from pipeline.extract.stage import build as build_extract
from pipeline.figures import NoMeter
from pipeline.flow.stage import build as build_flow
from pipeline.handling import Inbound, Outbound, Position
from pipeline.llm.distinct import sketch_of
from pipeline.llm.usage import Purpose, Usage
from pipeline.ports import Point
from pipeline.samples.synthetic.calls import synthetic_calls
from pipeline.scenarios.opened import load_library
from pipeline.settings import AudioSettings, AuditSettings, BudgetSettings, Settings
from pipeline.stages import STAGES
from pipeline.store.stage import build as build_index
from pipeline.testing import InMemoryStore
from schemas.call import CallHeld
from schemas.flow import FlowState
from schemas.insight import Evidence, Extractor, Intent, IntentExtracted, Provenance
from schemas.transcript import TranscriptSegment
from schemas.wire import Role, Sentiment
from workers.dashboard.operations.in_process import InProcessPlant
from workers.dashboard.rooms import Surroundings, rooms_of
from workers.dashboard.workbench.room import in_process_workbench
from workers.demo.recordings import SampleRecordings
from workers.demo.talks import earlier
from workers.gateway.app import Room
from workers.gateway.opened import Opened, opened
from workers.gateway.outgoing.reading import Streams
from workers.gateway.pages import AnswersTo
from workers.in_process import InProcessBroker

TENANT: Final = "acme"
SAMPLE: Final = "call-01-price-saved"
"""A stored call with a recording: the customer says that it is too much at 0:08."""
COLLEAGUES: Final = ("bob", "carla", "daniel", "emma", "farid", "grace", "hana", "ivan", "jun", "kim", "lena", "mia")
_MADE_UP: Final = 150
_UNTIL: Final = datetime(2026, 10, 5, tzinfo=UTC)
"""The made-up calls are of the twelve weeks before; the sample calls are newer."""
_Points = dict[str, dict[str, Point]]
_STEPS: Final = (
    *(
        ("verify_identity", Sentiment.NEUTRAL),
        ("ask_needs", Sentiment.POSITIVE),
        ("price_objection", Sentiment.NEGATIVE),
    ),
    *(
        ("make_offer", Sentiment.NEUTRAL),
        ("cancel_contract", Sentiment.NEGATIVE),
        ("explain_benefit", Sentiment.POSITIVE),
    ),
)


@asynccontextmanager
async def whole_dashboard(folder: Path) -> AsyncIterator[Site]:
    """Every room, over made-up calls of twelve weeks, and the sample calls, which can be heard."""
    settings = Settings(
        tenant=TENANT,
        audio=AudioSettings(allowed_roots=(samples.folder(),)),
        audit=AuditSettings(path=folder / "audit.sqlite"),
        budget=BudgetSettings(ledger_path=folder / "usage.sqlite"),
    )
    store = _stored()
    async with opened(settings, NoMeter(), store) as asked:
        await asked.ledger.add(_used())
        async with dashboard_site(store=store, live_rooms=[lambda streams: _rooms(settings, asked, streams)]) as site:
            await site.broker.publish(
                [
                    died(original("rec-4711"), error=Poison("the file is not audio"), offset=3),
                    died(original("rec-4715"), error=Poison("audio of 7 h 12 min is longer than 4 h"), offset=9),
                    died(
                        original("rec-4802"),
                        error=Retryable("the store did not answer for 300 s", dependency="store"),
                        stage="index",
                    ),
                ]
            )
            yield site


def _rooms(settings: Settings, asked: Opened, streams: Streams) -> Room:
    """All rooms of ``rooms.py`` as one."""
    library, broker = load_library(settings), streams.publisher
    assert isinstance(broker, InProcessBroker)
    around = Surroundings(
        plant=InProcessPlant(broker),
        recordings=SampleRecordings(),
        scenarios=library,
        workbench=in_process_workbench(settings, library, broker, asked.store, asked.auditing),
    )
    rooms = rooms_of(settings, asked, streams, around)

    def add(router: APIRouter, answers_to: AnswersTo) -> None:
        for room in rooms:
            room(router, answers_to)

    return add


def call_now(
    call_id: str = "call-live", *, tongue: Tongue = "en", agent: str = "ann", ago_s: float | None = None
) -> Call:
    """A call whose script is at its last words now, or one that began so many seconds ago."""
    ago = lasts(Call(datetime.now(UTC), tongue=tongue)) if ago_s is None else timedelta(seconds=ago_s)
    return Call(datetime.now(UTC) - ago, call_id, agent, tongue=tongue)


async def busy_floor(site: Site, tongue: Tongue = "en") -> list[Call]:
    """A dozen calls of colleagues, each somewhere else; one is on hold, two have alerts, in one nobody speaks."""
    calls = []
    for number, agent in enumerate(COLLEAGUES):
        call = call_now(f"call-{8101 + number}", tongue=tongue, agent=agent, ago_s=100 + 61 * number)
        calls.append(call)
        now_ms = 100_000 + 61_000 * number
        step, tone = _STEPS[number % len(_STEPS)]
        await site.tell(started(call), at=call.began)
        first = now_ms // 7_000 - (10 if number == 9 else 4)
        for turn in range(first, first + 4):
            await site.tell(_line(call, turn), at=call.at(7_000 * turn + 6_000))
        await site.tell(_felt(call, step, tone, first + 3), at=call.at(7_000 * first + 27_000))
        if number == 3:
            await site.tell(CallHeld(call_id=call.call_id, at_ms=now_ms), at=datetime.now(UTC))
        if number in (1, 6):
            alarm = alert(call, at_ms=now_ms - 45_000, name="identity" if number == 1 else "authority")
            await site.tell(alarm, at=call.at(now_ms - 45_000))
        if number in (2, 4, 7):
            until = datetime.now(UTC) + timedelta(minutes=5)
            await site.tell(suggested(call, "benefit", at_ms=now_ms, expires_at=until))
    return calls


async def speak_on(site: Site, calls: Iterable[Call]) -> None:
    """Everybody says something now, but the one who is on hold and those who are silent."""
    for number, call in enumerate(calls):
        if number not in (3, 9):
            elapsed_ms = (datetime.now(UTC) - call.began) // timedelta(milliseconds=1)
            await site.tell(_line(call, elapsed_ms // 7_000))


def stages_go_on(site: Site) -> None:
    """All that was published is done by all stages."""
    for stage in STAGES:
        for topic in stage.reads:
            for record in site.broker.records(topic):
                site.broker.commit(stage.group, record)


def _line(call: Call, turn: int) -> TranscriptSegment:
    script = call.script.turns
    role, text = script[turn % len(script)]
    return said(call, turn, text, Role(role))


def _felt(call: Call, step: str, tone: Sentiment, number: int) -> FlowState:
    """Where a call is, with how the customer sounds."""
    place = number * 7_000
    words = _line(call, number).segment
    evidence = Evidence(
        segment_id=words.segment_id, role=words.role, start_ms=place, end_ms=words.end_ms, quote=words.text
    )
    found = Intent(
        intent_id=f"{call.call_id}-i{number}",
        name=step,
        role=Role.CUSTOMER,
        topic="price",
        sentiment=tone,
        confidence=0.9,
        evidence=(evidence,),
    )
    made_by = Provenance(extractor=Extractor.LEXICAL, model="lexical", scenario="telecom", scenario_version=1)
    heard = IntentExtracted(
        call_id=call.call_id,
        call=call.facts,
        language=call.tongue,
        segments=(words,),
        intents=(found,),
        provenance=made_by,
    )
    return state(call, ["agent_opening", step], at_ms=place).model_copy(update={"heard": heard})


def _stored() -> InMemoryStore:
    store = InMemoryStore()
    for part in _mined():
        for collection, points in part.items():
            store.points.setdefault(collection, {}).update(points)
    return store


@cache
def _mined() -> list[_Points]:
    async def both() -> list[_Points]:
        return [await _mined_samples(), *[part async for part in _made_up()]]

    with ThreadPoolExecutor(1) as thread:  # a test that asks may be in a loop of its own
        return thread.submit(asyncio.run, both()).result()


async def _made_up() -> AsyncIterator[_Points]:
    """Each call by itself, as a store in memory looks at every point whenever one is written."""
    for events in synthetic_calls(_MADE_UP, tenant_id=TENANT, until=_UNTIL, utterances_per_call=8):
        alone = InMemoryStore()
        handler = build_index(store=alone)
        for event in events:
            await handler(_handed(event))
        yield alone.points


async def _mined_samples() -> _Points:
    """The sample calls, as the stages find and store them."""
    store = InMemoryStore()
    scenarios = load_library(Settings(tenant=TENANT))
    extract = build_extract(
        extractor=build_extractor(Settings(tenant=TENANT), scenarios), scenarios=scenarios, default_scenario="telecom"
    )
    flow, index = build_flow(), build_index(store=store)
    for transcript, time in earlier(TENANT):
        event = inbound(transcript, at=time, tenant=TENANT)
        await index(event)
        for mined in map(_handed, await extract(event)):
            await index(mined)
            for one in map(_handed, await flow(mined)):
                await index(one)
    return store.points


def _handed(event: Outbound) -> Inbound:
    return Inbound(event.message, Position("made", 0, 0))


def _used() -> dict[Purpose, Usage]:
    """What language models cost in three weeks."""
    today = datetime.now(UTC).date()
    found: dict[Purpose, Usage] = {}
    for day in range(21):
        for scenario, busy in (("telecom", 40), ("insurance", 14)):
            calls = busy + (day * 7) % 11 - (25 if (today - timedelta(days=day)).weekday() > 4 else 0)
            if calls <= 0:
                continue
            purpose = Purpose(today - timedelta(days=day), TENANT, scenario, "extract", "gpt-small", "extract.v2")
            found[purpose] = Usage(
                3 * calls,
                9_000 * calls,
                0,
                700 * calls,
                0.011 * calls,
                calls=sketch_of(f"{day}-{number}" for number in range(calls)),
            )
    return found
