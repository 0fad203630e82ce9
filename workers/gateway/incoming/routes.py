"""All pages and sockets by which calls come in."""

from __future__ import annotations

from fastapi import APIRouter

from workers.gateway.incoming.calls import add_calls
from workers.gateway.incoming.chats import add_chats
from workers.gateway.incoming.incoming import Incoming
from workers.gateway.incoming.recordings import add_recordings
from workers.gateway.incoming.sockets import add_sockets
from workers.gateway.incoming.try_page import add_try_page
from workers.gateway.incoming.twilio import add_twilio


def add_incoming(router: APIRouter, incoming: Incoming) -> None:
    """Add them to the gateway's."""
    add_calls(router, incoming)
    add_chats(router, incoming)
    add_recordings(router, incoming)
    add_sockets(router, incoming)
    add_twilio(router, incoming)
    add_try_page(router)
