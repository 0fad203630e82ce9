"""What a receiver of webhooks has not taken yet."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, Field

from schemas.wire import CallEvent, CallFacts, Identifier


class WebhookPending(CallEvent):
    """An event that one receiver still has to get, as it is sent; the key is the receiver's, so that each has a queue.

    ``webhook_id`` is the same at each attempt, so that a receiver can drop doubles. ``body`` is the event as JSON
    (CloudEvents, structured mode), ``event`` its name.
    """

    event_name: ClassVar[str] = "webhook.pending"

    call: CallFacts = CallFacts()
    receiver: Identifier
    webhook_id: Identifier
    event: Identifier
    body: Annotated[str, Field(min_length=2)]
    since: AwareDatetime
