"""What agents do with suggestions comes back: one event each, answered once Kafka has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from pipeline.access.principal import Principal
from pipeline.errors import Retryable
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.questions.question import ShowCall
from pipeline.stages import FEEDBACK
from pipeline.store.known import Unknown
from schemas.envelope import message
from schemas.suggestion import FeedbackKind, SuggestionFeedback
from schemas.wire import Identifier
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.outgoing.hub import Hub
from workers.gateway.pages import AnswersTo
from workers.records import Publisher, write_event

_MAY_TELL: Final = ("admin", "agent", "supervisor")
_SOURCE: Final = "/convmine/gateway"
_CONFIRM_S: Final = 10.0
"""Seconds that Kafka may take to confirm; the caller is then told to ask again, which does no harm."""


class Feedback(BaseModel):
    """What was done with a suggestion; ``text`` are the words in place of its own, or why it was dismissed."""

    model_config = ConfigDict(extra="forbid")

    kind: FeedbackKind
    call_id: Identifier
    text: Annotated[str | None, Field(max_length=5_000)] = None


class Taken(BaseModel):
    """The feedback has been written; the same again has the same id, and counts once."""

    feedback_id: str


def add_feedback(
    router: APIRouter,
    hub: Hub,
    answers_to: AnswersTo,
    publisher: Publisher,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> None:
    """``POST /v1/suggestions/{suggestion}/feedback``."""

    @router.post(
        "/v1/suggestions/{suggestion}/feedback",
        status_code=201,
        summary="What the agent did with a suggestion",
        tags=["streams"],
        operation_id="tell_feedback",
        response_class=JSONResponse,
        response_model=None,
        responses={201: {"model": Taken}},
        openapi_extra={SCOPES: sorted(_MAY_TELL)},
    )
    async def tell_feedback(
        request: Request, suggestion: Annotated[str, Path(min_length=1, max_length=200)], told: Feedback
    ) -> Response:
        principal = principal_of(request.scope)
        card, agent = await _suggested(request, hub, answers_to, suggestion, told.call_id)
        event = SuggestionFeedback(
            call_id=told.call_id,
            suggestion_id=suggestion,
            card_id=card,
            agent=_agent(principal) or agent or principal.id,
            kind=told.kind,
            at=now(),
            text=told.text,
        )
        id_ = stable_id("feedback", principal.tenant_id, suggestion, event.agent, told.kind, told.text or "")
        sent = message(
            event, id=id_, source=_SOURCE, time=event.at, subject=told.call_id, tenant_id=principal.tenant_id
        )
        await _publish(publisher, Outbound(FEEDBACK, sent))
        hub.hear(sent)
        return Response(
            Taken(feedback_id=id_).model_dump_json(), 201, {"Cache-Control": "no-store"}, "application/json"
        )


async def _suggested(
    request: Request, hub: Hub, answers_to: AnswersTo, suggestion: str, call_id: str
) -> tuple[str, str | None]:
    """The card of a suggestion that this key may see, and whose call it was; of what is stored, too.

    Raises:
        Unknown: there is none in this call, or not for this key.
    """
    principal = principal_of(request.scope)
    recent = hub.suggestion(principal.tenant_id, suggestion)
    if recent is not None and recent.suggestion is not None:
        own = recent.agent or hub.agent_of(principal.tenant_id, call_id)
        asker = principal.asker
        if recent.call_id == call_id and asker is not None and asker.agent in {None, own}:
            return recent.suggestion[1], own
        raise _unknown(suggestion, call_id)
    try:
        view = await answers_to(request).answer(ShowCall(call=call_id))
    except Unknown:
        raise _unknown(suggestion, call_id) from None
    found = next((one for one in view.suggestions if one.suggestion_id == suggestion), None)
    if found is None:
        raise _unknown(suggestion, call_id)
    return found.card_id, view.row.agent


def _unknown(suggestion: str, call_id: str) -> Unknown:
    return Unknown(f"nothing is known of a suggestion {suggestion!r} in a call {call_id!r}")


def _agent(principal: Principal) -> str | None:
    """Whose own key it is."""
    return principal.asker.agent if principal.asker else None


async def _publish(publisher: Publisher, event: Outbound) -> None:
    try:
        async with asyncio.timeout(_CONFIRM_S):
            await publisher.publish([write_event(event)])
    except TimeoutError as error:
        raise Retryable("feedback was not confirmed in time", dependency="kafka") from error
