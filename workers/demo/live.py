"""``convmine demo --live``: the live lane, the dashboard and the calls that it shows, until somebody ends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol

from pipeline.access.principal import Principal
from pipeline.ports import VectorStore
from pipeline.scenarios.library import Library
from pipeline.scenarios.opened import load_library
from pipeline.settings import Settings
from pipeline.stages import GRAPH
from workers.assembly import Assembly
from workers.beside import beside
from workers.dashboard.app import create_dashboard
from workers.dashboard.entrance import Entrance
from workers.dashboard.operations.in_process import InProcessPlant
from workers.dashboard.rooms import Surroundings, rooms_of
from workers.dashboard.sessions import Sessions
from workers.dashboard.shell import Shell
from workers.dashboard.workbench.room import in_process_workbench
from workers.demo.playing import Line, play_line
from workers.demo.recordings import SampleRecordings
from workers.demo.stages import RUN, DemoStages
from workers.followed_in_process import FollowedInProcess
from workers.gateway.bounds import Limits
from workers.gateway.opened import opened
from workers.gateway.outgoing.room import opened_streams
from workers.gateway.outgoing.tail import InProcessTail
from workers.gateway.serving import listening
from workers.graphs import Graphs
from workers.in_process import InProcessBroker
from workers.measures import Measures
from workers.online import Presence, online
from workers.snapshots import graph_snapshots
from workers.told_to_end import SIGNALS
from workers.uptake import CONFIG_TOPICS, Uptake

HOST: Final = "127.0.0.1"
FIRST_PAGE: Final = "/desk"
_DRAIN_S: Final = 1.0
"""Seconds that requests get when the demo ends: whoever plays with it does not wait for longer."""
_KEPT: Final = 200
"""Records of a topic that stay when all stages have done them: what pages may ask back, and 2.5 MB of audio."""
VISITOR: Final = "you"
"""The agent whose calls whoever opens the demo answers in, besides seeing everything."""
_SCOPES: Final = frozenset({f"agent:{VISITOR}", "supervisor", "analyst", "admin"})


class Console(Protocol):
    """Who is told what to open, and what is played."""

    def opened(self, address: str) -> None: ...

    def began(self, call_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the stages and the pages share."""

    settings: Settings
    library: Library
    broker: InProcessBroker = field(default_factory=lambda: InProcessBroker(1, _KEPT))
    measures: Measures = field(default_factory=Measures)


async def run_live_demo(settings: Settings, port: int, lines: Sequence[Line], console: Console) -> None:
    """Serve the dashboard and play these lines until SIGINT or SIGTERM.

    Raises:
        Config: a setting is wrong, or the port is taken.
        Retryable: the store is away, or another process has its folder open.
    """
    stop = _set_by_signals()
    parts = _Parts(settings, load_library(settings))
    guide = Graphs(settings.flow.version_every_s)
    snapshots = graph_snapshots(parts.broker.read_back)
    async with AsyncExitStack() as stack:
        assembly = Assembly(settings, snapshots, parts.library, parts.measures.meter, guide=guide)
        await stack.enter_async_context(assembly)
        stages = DemoStages(settings, parts.broker, assembly, parts.measures)
        store = await assembly.store()
        taking_up = await stack.enter_async_context(_taking_up(parts, guide))
        stack.push_async_callback(stages.stop)
        await stack.enter_async_context(_dashboard(parts, store, port, console))
        playing = (_play(line, stages, parts, console) for line in lines)
        running = await stack.enter_async_context(beside(stages.run(), _is_set(stop), *playing))
        done, _ = await asyncio.wait([*taking_up, *running], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


@asynccontextmanager
async def _dashboard(parts: _Parts, store: VectorStore, port: int, console: Console) -> AsyncIterator[None]:
    """The pages, and an address that opens them once."""
    settings, measures = parts.settings, parts.measures
    ours = settings.dashboard
    sessions = Sessions(ours)
    entrance = Entrance(sessions, Principal("demo", settings.tenant, _SCOPES, "demo"), FIRST_PAGE)
    async with (
        opened(settings, measures.meter, store) as asked,
        opened_streams(
            settings, parts.broker, measures.registry, lambda _: True, InProcessTail(parts.broker)
        ) as streams,
    ):
        around = Surroundings(
            plant=InProcessPlant(parts.broker, RUN),
            recordings=SampleRecordings(),
            scenarios=parts.library,
            workbench=in_process_workbench(settings, parts.library, parts.broker, store, asked.auditing),
        )
        app = create_dashboard(
            asked.answers_for,
            Shell(sessions, lambda _: None, quiet_s=ours.quiet_s),
            streams=streams,
            rooms=(entrance.add_entrance, *rooms_of(settings, asked, streams, around)),
            put=asked.put,
            ask_sql=asked.ask_sql,
            auditing=asked.auditing,
            limits=Limits.of(settings.gateway),
            registry=measures.registry,
        )
        async with listening(app, HOST, port, drain_s=_DRAIN_S, group="CONVMINE_DASHBOARD") as (url, _):
            console.opened(entrance.address(url))
            yield
            streams.hub.drain()


@asynccontextmanager
async def _taking_up(parts: _Parts, guide: Graphs) -> AsyncIterator[list[asyncio.Task[None]]]:
    """What stages publish for others is taken up: graphs by those that guide, cards' figures by those that choose."""
    presence = Presence(parts.library, Uptake(parts.library, parts.measures.meter), RUN, parts.settings.tenant)
    graphs = FollowedInProcess(parts.broker, [GRAPH])
    async with (
        online(presence, FollowedInProcess(parts.broker, CONFIG_TOPICS), parts.broker) as telling,
        beside(graphs.follow(guide.take)) as following,
    ):
        yield [*telling, *following]


async def _play(line: Line, stages: DemoStages, parts: _Parts, console: Console) -> NoReturn:
    await stages.can_hear.wait()
    await play_line(line, parts.broker, parts.settings.tenant, console.began)


async def _is_set(event: asyncio.Event) -> None:
    await event.wait()


def _set_by_signals() -> asyncio.Event:
    """Is set by SIGINT and SIGTERM."""
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
