"""Streams as WebSockets: the same events, one JSON message each."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from fastapi import APIRouter, HTTPException, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.websockets import WebSocketDisconnect

from pipeline.access.principal import READERS, Principal
from pipeline.errors import ConvmineError
from workers.gateway.door import admitted
from workers.gateway.lasting import CALL_STREAM, STREAMS
from workers.gateway.outgoing.events import Frame, said
from workers.gateway.outgoing.parameters import sought_of
from workers.gateway.outgoing.reading import STUCK_S, Streams, opened, rounds
from workers.gateway.outgoing.subscription import Subscription
from workers.gateway.problems import Problem, problem, problem_of
from workers.gateway.replies import problem_reply

CLOSED: Final = {"drained": 1012, "slow": 1013, "expired": 4401}
"""Close codes: come back (RFC 6455's registry has 1012 for a restart), come back when you are faster, get a new key."""


def message(frame: Frame) -> str:
    """A frame as it is sent: ``{"event": …, "id": …, "data": …}``, with an id where it has one."""
    mark = b'","id":"' + frame.mark if frame.mark else b""
    return (b'{"event":"' + frame.name.encode() + mark + b'","data":' + frame.data + b"}").decode()


def add_sockets(router: APIRouter, streams: Streams) -> None:
    """``WS /v1/streams`` and ``WS /v1/calls/{call}/stream``."""

    @router.websocket(STREAMS)
    async def socket(websocket: WebSocket) -> None:
        await _serve(websocket, streams, None)

    @router.websocket(CALL_STREAM)
    async def call_socket(websocket: WebSocket, call: str) -> None:
        await _serve(websocket, streams, call)


async def _serve(websocket: WebSocket, streams: Streams, call: str | None) -> None:
    principal = await admitted(websocket, READERS)
    if principal is None:
        return
    try:
        sought = sought_of(websocket.query_params)
        mark = websocket.headers.get("last-event-id") or sought.last_event_id
        one = await opened(streams, principal, sought, call or sought.call, mark)
    except HTTPException as error:
        await _refuse(websocket, problem(error.status_code, error.detail))
    except ConvmineError as error:
        await _refuse(websocket, problem_of(error))
    except RequestValidationError as error:
        wrong = "; ".join(f"{each['loc'][-1]}: {each['msg']}" for each in error.errors())
        await _refuse(websocket, problem(422, wrong))
    else:
        await _stream(websocket, streams, principal, one)


async def _stream(websocket: WebSocket, streams: Streams, principal: Principal, one: Subscription) -> None:
    await websocket.accept()
    gone = asyncio.create_task(_until_gone(websocket, one))
    try:
        async for frames in rounds(streams, principal, one, "socket"):
            async with asyncio.timeout(STUCK_S):
                for frame in frames or _alive(one):
                    await websocket.send_text(message(frame))
        code = CLOSED.get(one.reason or "")
        if code is not None:
            await websocket.close(code, one.reason)
    except TimeoutError:
        one.end("slow")
    except (WebSocketDisconnect, RuntimeError):  # it went while something was sent
        one.end("left")
    finally:
        gone.cancel()


def _alive(one: Subscription) -> tuple[Frame, ...]:
    """A sign of life, where there is a position to tell: pings keep the connection by themselves."""
    position = one.position()
    return (Frame("position", position, said("position").data),) if position else ()


async def _until_gone(websocket: WebSocket, one: Subscription) -> None:
    """End the subscription when its reader goes; what the reader says is not listened to."""
    with suppress(WebSocketDisconnect, RuntimeError):
        while (await websocket.receive())["type"] != "websocket.disconnect":
            pass
    one.end("left")


async def _refuse(websocket: WebSocket, said: Problem) -> None:
    """Say why, before the handshake, as for any request; by a close code where the server cannot."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(problem_reply(said))
    else:
        await websocket.close(4000 + said.status, said.detail[:100])
