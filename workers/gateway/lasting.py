"""Requests that last as long as somebody looks: sockets, and streams of events."""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

STREAMS: Final = "/v1/streams"
"""Path of the stream that says in its query what it is of."""
CALL_STREAM: Final = "/v1/calls/{call:path}/stream"
"""Path of the stream of one call."""
FLOOR_STREAM: Final = "/v1/floor/stream"
"""Path of the stream of all calls that are on, at a dashboard."""
_BEFORE, _AFTER = CALL_STREAM.split("{call:path}")


def lasts(scope: Scope) -> bool:
    """Whether a request is a socket or a stream, which bounds of other requests are not meant for."""
    if scope["type"] == "websocket":
        return True
    path: str = scope["path"]
    is_of_call = path.startswith(_BEFORE) and path.endswith(_AFTER)
    is_stream = path in {STREAMS, FLOOR_STREAM} or is_of_call
    return bool(scope["type"] == "http" and scope["method"] == "GET") and is_stream
