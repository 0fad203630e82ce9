"""The webhook stage: events go, signed, to those who asked for them; who cannot be reached has a queue of its own."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from pipeline.dependencies import answered
from pipeline.errors import Poison, Retryable
from pipeline.figures import WEBHOOK_REQUESTS, WEBHOOK_SECONDS, NoMeter
from pipeline.handling import Inbound, Outbound
from pipeline.ids import stable_id
from pipeline.ports import Meter
from pipeline.settings import WebhooksSettings
from pipeline.stages import WEBHOOKS
from pipeline.webhooks.circuit import Circuit
from pipeline.webhooks.receivers import Followed, Receiver
from pipeline.webhooks.sending import Sender, Sent
from pipeline.webhooks.signature import webhook_id
from schemas.envelope import Message, encode, message
from schemas.webhook import WebhookPending
from schemas.wire import CallEvent, CallFacts

STAGE: Final = "webhook"

log: Final = structlog.get_logger()


def build(
    settings: WebhooksSettings,
    meter: Meter | None = None,
    *,
    now: Callable[[], float] = time.monotonic,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Webhooks:
    """The handler of what receivers may ask for, and of ``webhook.pending``.

    Args:
        settings: the file of the receivers, and for how long an event is tried.
        meter: requests by receiver and outcome, and their seconds.
        now: seconds that only grow.
        clock: the time.

    Raises:
        Config: the file is not valid.
    """
    return Webhooks(settings, meter or NoMeter(), now, clock)


@dataclass(slots=True)
class _Line:
    """What is known of one receiver, by this worker; ``wants_none`` since it answered 410."""

    receiver: Receiver
    sender: Sender
    circuit: Circuit
    wants_none: bool = field(default=False)


class Webhooks:
    """A handler that sends each event once to every receiver that asked for it, at the same time.

    Whoever does not take it gets a ``webhook.pending``, which waits on a topic that this stage reads, too: its key is
    the receiver's, so that one receiver's events wait one behind the other and nobody else's do. It is sent until the
    receiver takes it; after ``give_up_s`` (of the event's waiting, or of the receiver's failing) or a refusal it is a
    dead letter, which names the receiver. While a receiver is left alone after a failure, its events join the queue at
    once. Delivery is at least once, in no order that is promised, and always with the same ``webhook-id``.
    """

    def __init__(
        self, settings: WebhooksSettings, meter: Meter, now: Callable[[], float], clock: Callable[[], datetime]
    ) -> None:
        self._settings = settings
        self._meter = meter
        self._now = now
        self._clock = clock
        self._file = Followed(settings.file, allow_private=settings.allow_private, now=now)
        self._lines: dict[str, _Line] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._take(self._file.receivers)

    async def __call__(self, inbound: Inbound) -> Sequence[Outbound]:
        """Take one event.

        Raises:
            Retryable: the receiver of what is pending does not take it yet; nobody else is concerned.
            Poison: it refuses it, or has not taken it for so long.
        """
        if (receivers := self._file.changed()) is not None:
            self._take(receivers)
        match inbound.payload:
            case WebhookPending() as pending:
                await self._again(inbound.tenant_id, pending)
                return ()
            case CallEvent() as event:
                return await self._first(inbound, event)
            case _:
                return ()

    async def close(self) -> None:
        await asyncio.gather(*(line.sender.close() for line in self._lines.values()), *self._closing)

    async def _first(self, inbound: Inbound, event: CallEvent) -> Sequence[Outbound]:
        lines = [line for line in self._lines.values() if _wants(line, inbound.tenant_id, event)]
        if not lines:
            return ()
        id_, body = webhook_id(inbound.message.envelope.id), as_json(inbound.message)
        taken = await asyncio.gather(*(self._taken_at_once(line, id_, body) for line in lines))
        return [
            self._pending(inbound, event, line.receiver.name, id_, body)
            for line, was_taken in zip(lines, taken, strict=True)
            if not was_taken
        ]

    async def _taken_at_once(self, line: _Line, id_: str, body: bytes) -> bool:
        return not line.circuit.pause_s and (await self._sent(line, id_, body)).outcome == "delivered"

    async def _again(self, tenant_id: str, pending: WebhookPending) -> None:
        line = self._lines.get(pending.receiver)
        if line is None or line.receiver.tenant != tenant_id:
            log.warning("webhooks.no_such_receiver", receiver=pending.receiver)
            return
        circuit, name = line.circuit, f"receiver {pending.receiver}"
        if line.wants_none:
            raise Poison(f"{name} answered 410 and gets no more events", hint="until its file is changed")
        if pause_s := circuit.pause_s:
            left_s = self._settings.give_up_s - circuit.failing_s
            if left_s <= 0:
                raise self._given_up(line, f"{name} has failed for {circuit.failing_s:.0f} s")
            raise _later(name, "is left alone after a failure", min(pause_s, left_s))
        sent = await self._sent(line, pending.webhook_id, pending.body.encode())
        if sent.outcome in {"refused", "gone"}:
            raise Poison(f"{name} {sent.reason}")
        if sent.outcome == "later":
            waited_s = max((self._clock() - pending.since).total_seconds(), circuit.failing_s)
            if waited_s >= self._settings.give_up_s:
                raise self._given_up(line, f"{name} {sent.reason}, and {waited_s:.0f} s have passed")
            raise _later(name, sent.reason, circuit.pause_s)

    async def _sent(self, line: _Line, id_: str, body: bytes) -> Sent:
        """One request, and what the line learns from it."""
        name, began = line.receiver.name, self._now()
        sent = await line.sender.send(id_, body)
        self._meter.observe(WEBHOOK_SECONDS, self._now() - began, receiver=name)
        self._meter.count(WEBHOOK_REQUESTS, receiver=name, outcome=sent.outcome)
        if sent.outcome == "later":
            line.circuit.failed(sent.after_s)
            return sent
        line.circuit.answered()
        answered(_dependency(f"receiver {name}"))
        if sent.outcome == "gone":
            line.wants_none = True
            log.error("webhooks.receiver_disabled", receiver=name, reason=sent.reason)
        return sent

    def _given_up(self, line: _Line, reason: str) -> Poison:
        self._meter.count(WEBHOOK_REQUESTS, receiver=line.receiver.name, outcome="given_up")
        return Poison(reason, hint="convmine dlq replay sends it again")

    def _pending(self, inbound: Inbound, event: CallEvent, name: str, id_: str, body: bytes) -> Outbound:
        """The event as it waits for this receiver: the same again when this one is delivered again."""
        envelope, facts = inbound.message.envelope, getattr(event, "call", None)
        pending = WebhookPending(
            call_id=event.call_id,
            call=facts if isinstance(facts, CallFacts) else CallFacts(),
            receiver=name,
            webhook_id=id_,
            event=event.event_name,
            body=body.decode(),
            since=self._clock(),
        )
        made = message(
            pending,
            id=stable_id("event", envelope.id, STAGE, pending.event_name, name),
            source=f"/convmine/{STAGE}",
            time=envelope.time,
            subject=event.call_id,
            tenant_id=envelope.tenantid,
            key=f"{envelope.tenantid}:{name}",
            traceparent=envelope.traceparent,
        )
        return Outbound(WEBHOOKS, made)

    def _take(self, receivers: Iterable[Receiver]) -> None:
        """Send to these from now on; of one that is as it was, what was learnt of it counts on, but not a 410."""
        before, self._lines = self._lines, {}
        for receiver in receivers:
            known = before.get(receiver.name)
            if known is not None and known.receiver == receiver:
                self._lines[receiver.name] = before.pop(receiver.name)
                known.wants_none = False
            else:
                self._lines[receiver.name] = self._line(receiver)
        for line in before.values():
            task = asyncio.get_running_loop().create_task(line.sender.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _line(self, receiver: Receiver) -> _Line:
        sender = Sender(
            receiver,
            timeout_s=self._settings.timeout_s,
            allow_private=self._settings.allow_private,
            clock=lambda: self._clock().timestamp(),
        )
        return _Line(receiver, sender, Circuit(self._now))


def as_json(sent: Message) -> bytes:
    """An event as one JSON value: CloudEvents 1.0, structured mode."""
    envelope = sent.envelope
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        **envelope.model_dump(mode="json", exclude_none=True),
    }
    return json.dumps({**attributes, "data": json.loads(encode(sent.payload))}, ensure_ascii=False).encode()


def _wants(line: _Line, tenant_id: str, event: CallEvent) -> bool:
    receiver = line.receiver
    return receiver.tenant == tenant_id and event.event_name in receiver.events and not line.wants_none


def _dependency(name: str) -> str:
    return f"webhook {name}"


def _later(name: str, reason: str, after_s: float) -> Retryable:
    return Retryable(f"{name} {reason}", dependency=_dependency(name), retry_after_s=after_s, alone=True)
