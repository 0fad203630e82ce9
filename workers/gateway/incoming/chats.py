"""The page on which a chat comes in, message by message."""

from __future__ import annotations

from uuid import uuid4

from fastapi import APIRouter, HTTPException, Request, Response

from schemas.transcript import ConversationMessage
from workers.gateway.incoming.calls import PAGE, taken
from workers.gateway.incoming.incoming import Incoming
from workers.gateway.incoming.requests import CallPath, Key, NewMessage, Taken, message_id_of


def add_chats(router: APIRouter, incoming: Incoming) -> None:
    """``POST /v1/calls/{call_id}/messages``."""

    @router.post(
        "/v1/calls/{call_id}/messages",
        summary="A message of a chat; masked before it goes on",
        operation_id="send_message",
        responses={
            201: {"model": Taken},
            409: {"description": "The call has ended, or the customer has not consented"},
        },
        **PAGE,
    )
    async def send_message(request: Request, call_id: CallPath, said: NewMessage, key: Key = None) -> Response:
        session = incoming.session(request, call_id)
        if not session.may_be_mined:
            raise HTTPException(409, "the customer has not consented: nothing that is said in this call is taken")
        message_id = message_id_of(said, key, uuid4().hex)
        message = ConversationMessage(
            call_id=call_id,
            call=session.facts,
            message_id=message_id,
            role=said.role,
            sent_at=said.sent_at or session.now(),
            text=said.text,
        )
        await session.tell(session.masked(message), message_id)
        return taken(201, Taken(call_id=call_id, message_id=message_id))
