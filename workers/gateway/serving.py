"""The gateway as a process: listens, answers from the store that the settings name, drains when it is told to stop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import uvicorn
from fastapi import FastAPI

from pipeline.access.oidc import TOKEN_ID
from pipeline.access.principal import Principal
from pipeline.errors import Config
from pipeline.settings import OidcSettings, Settings
from pipeline.stages import ERASURES
from workers.followed import FollowedOnKafka
from workers.gateway.app import create_app
from workers.gateway.bounds import Limits
from workers.gateway.erasing import obeying
from workers.gateway.identity import IdentityProvider
from workers.gateway.incoming.opened import incoming_of
from workers.gateway.incoming.sockets import MAX_FRAME_BYTES
from workers.gateway.kafka import waiting_publisher
from workers.gateway.key_file import KeyFile
from workers.gateway.opened import opened
from workers.gateway.outgoing.hub import Hub
from workers.gateway.outgoing.room import opened_streams
from workers.gateway.rates import Rates
from workers.health import Health, heartbeat
from workers.measures import Measures
from workers.probes import probes_of
from workers.told_to_end import SIGNALS
from workers.tracing.opened import hops_from

MAX_HEAD_BYTES: Final = 65_536
"""The longest request line with its headers; a mark of a stream has at most 20,000 characters of it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, which settings say so, as ``CONVMINE_GATEWAY``, and for how long what is at work may go on."""

    host: str
    port: int
    group: str
    drain_s: float


async def run_gateway(settings: Settings, listening_at: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; ``listening_at`` is told the address.

    Raises:
        Retryable: the store is away.
        Config: the keys cannot be read, the address cannot be listened on, or another setting is wrong.
    """
    ours, runtime = settings.gateway, settings.runtime
    keys, measures, health = KeyFile(ours.keys), Measures(), Health((), stall_s=runtime.stall_s)
    limits = replace(Limits.of(ours), max_upload_bytes=settings.audio.max_bytes)
    with hops_from(settings, measures.registry) as hops_of:
        hops = hops_of(None)
        async with (
            opened(settings, measures.meter) as asked,
            tokens(settings.oidc) as provider,
            waiting_publisher(settings.kafka, measures.registry, hops) as publisher,
            opened_streams(settings, publisher, measures.registry, partial(holds, keys)) as streams,
            obeying(FollowedOnKafka(settings.kafka, [ERASURES]), streams.hub, ours.uploads) as erased,
            incoming_of(settings, publisher, keys.principal, measures.registry, erased) as incoming,
        ):
            streams.hub.tell_ended(incoming.sessions.ended)
            streams.hub.tell_forgotten(incoming.sessions.ended)
            app = create_app(
                asked.answers_for,
                keys.principal,
                tokens=provider.principal if provider else None,
                streams=streams,
                incoming=incoming,
                put=asked.put,
                ask_sql=asked.ask_sql,
                auditing=asked.auditing,
                health=health,
                limits=limits,
                rates=Rates.of(ours, measures.registry),
                registry=measures.registry,
                origins=ours.origins,
                tracer=hops.tracer if hops else None,
            )
            place = Place(ours.host, ours.port, "CONVMINE_GATEWAY", runtime.drain_s)
            with probes_of(runtime, health, measures.registry):
                await serve(app, place, listening_at, health=health, hub=streams.hub)


async def serve(app: FastAPI, place: Place, listening_at: Callable[[str], None], *, health: Health, hub: Hub) -> None:
    """Serve an application until SIGTERM or SIGINT; its streams are told that it ends.

    Raises:
        Config: the address cannot be listened on.
    """
    async with listening(app, place.host, place.port, drain_s=place.drain_s, group=place.group) as (address, server):
        listening_at(address)
        beat = asyncio.create_task(heartbeat(health))
        await told_to_stop(server, health)
        hub.drain()
        beat.cancel()


@asynccontextmanager
async def listening(
    app: FastAPI, host: str, port: int, *, drain_s: float = 30.0, group: str = "CONVMINE_GATEWAY"
) -> AsyncIterator[tuple[str, uvicorn.Server]]:
    """Serve an application until the block is left; gives its address. Port 0 takes a free one.

    Raises:
        Config: the address cannot be listened on; it names the setting of this ``group``.
    """
    with _socket(host, port, group) as bound:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            lifespan="off",
            proxy_headers=False,
            http="h11",  # whose heads have a bound; another implementation would be taken where it is installed
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            ws_max_size=MAX_FRAME_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=max(1, round(drain_s)),
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve([bound]))
        try:
            name = f"[{host}]" if ":" in host else host
            yield f"http://{name}:{bound.getsockname()[1]}", server
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Leaves signals to who runs it: uvicorn's own way ends the process by the signal, and we end with 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def tokens(settings: OidcSettings) -> AsyncIterator[IdentityProvider | None]:
    """The identity provider, where one is set; closed at the end."""
    if settings.issuer is None:
        yield None
        return
    provider = IdentityProvider(settings)
    try:
        yield provider
    finally:
        await provider.close()


def holds(keys: KeyFile, principal: Principal) -> bool:
    """Whether who opened a stream may go on; a token of an identity provider holds until it expires."""
    return principal.id.startswith(TOKEN_ID) or keys.holds(principal)


async def told_to_stop(server: uvicorn.Server, health: Health) -> None:
    """Wait for a signal; a second one does not wait for the requests that are at work."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def on_signal() -> None:
        server.force_exit = stop.is_set()
        health.drain()
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    await stop.wait()


def _socket(host: str, port: int, group: str) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=2_048)
    except OSError as error:
        ours = error.errno in {errno.EADDRINUSE, errno.EACCES}
        variable = f"{group}_PORT" if ours else f"{group}_HOST"
        raise Config(variable, f"cannot listen on {host}:{port}: {error.strerror or error}") from error
