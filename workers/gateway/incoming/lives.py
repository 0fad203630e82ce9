"""The life of a call as it is told: each step goes to Kafka, behind the audio that came before it."""

from __future__ import annotations

from schemas.call import CallEnded, CallHeld, CallResumed, CallStarted, CallUpdated
from schemas.wire import CallFacts, Channel
from workers.gateway.incoming.session import ANSWER_S, Session
from workers.gateway.incoming.sessions import Sessions


async def start(
    session: Session, facts: CallFacts, channels: tuple[Channel, ...], told_by: str, *, patience_s: float = ANSWER_S
) -> None:
    """The call has begun; what nobody says of when is now."""
    started_at = facts.started_at or session.facts.started_at or session.now()
    session.told(facts.model_copy(update={"started_at": started_at}))
    if session.joiner is None:
        session.channels = channels
    event = CallStarted(call_id=session.call_id, call=session.facts, channels=channels)
    await session.tell(event, told_by, patience_s=patience_s)


async def update(session: Session, facts: CallFacts, told_by: str) -> None:
    """Facts of the call became known."""
    session.told(facts)
    await session.tell(CallUpdated(call_id=session.call_id, call=facts), told_by)


async def hold(session: Session, at_ms: int, key: str | None = None) -> int:
    """The call is on hold since ``at_ms``; it may have been told before."""
    if session.held_ms is None:
        session.held_ms = at_ms
    await session.tell(CallHeld(call_id=session.call_id, at_ms=session.held_ms), key or str(session.held_ms))
    return session.held_ms


async def resume(session: Session, at_ms: int, key: str | None = None) -> int:
    """The call is back from hold."""
    session.held_ms = None
    await session.tell(CallResumed(call_id=session.call_id, at_ms=at_ms), key or str(at_ms))
    return at_ms


async def end(sessions: Sessions, session: Session, event: CallEnded, told_by: str) -> None:
    """The call is over; from now on nothing more is taken of it."""
    await session.tell(event, told_by)
    sessions.ended(session.tenant_id, session.call_id, told_by)
