"""Audio by WebSocket: binary frames are audio, text frames are control; what Kafka has is acknowledged."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.asr.live_audio import RATES_HZ
from schemas.audio import Encoding, RawFormat
from schemas.call import CallEnded
from schemas.wire import Channel, Role
from workers.entry import CHUNK_MS
from workers.gateway.door import admitted
from workers.gateway.incoming import lives
from workers.gateway.incoming.framing import WAIT_MS
from workers.gateway.incoming.incoming import PUBLISHERS, Incoming
from workers.gateway.incoming.lines import INVALID, OVER, Line, Refused, reason_of
from workers.gateway.incoming.requests import CallId, Facts, WithinCall
from workers.gateway.incoming.session import PATIENCE_S, Session, now_ms
from workers.gateway.incoming.tracks import Track

MAX_FRAME_BYTES: Final = 1_048_576
"""The largest frame, audio or text, that a client may send; the server closes with 1009. 16 s of the widest audio."""
_CONTROL_BYTES: Final = 16_384


class AudioParameters(BaseModel):
    """What the address of a socket says of its audio."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: Encoding = Encoding.L16
    rate: int = 16_000
    channels: Annotated[int | None, Field(ge=1, le=8)] = None
    roles: Annotated[tuple[Role, ...], Field(min_length=1, max_length=8)] = (Role.AGENT, Role.CUSTOMER)
    track: Role | None = None
    offset_ms: WithinCall | None = None

    @field_validator("roles", mode="before")
    @classmethod
    def _parted(cls, value: object) -> object:
        return tuple(value.split(",")) if isinstance(value, str) else value

    @field_validator("rate")
    @classmethod
    def _is_read(cls, value: int) -> int:
        if value not in RATES_HZ:
            raise ValueError("expected one of " + ", ".join(map(str, RATES_HZ)))
        return value

    @model_validator(mode="after")
    def _fit_together(self) -> AudioParameters:
        if self.channels is not None and self.channels != len(self.roles):
            raise ValueError(f"{self.channels} channels and {len(self.roles)} roles do not fit")
        if self.track is not None and self.roles.count(self.track) != 1:
            raise ValueError(f"the track {self.track} is not one of the roles")
        return self

    @property
    def raw(self) -> RawFormat:
        """The form of the call's chunks; frames of one track have one channel of it."""
        return RawFormat(encoding=self.encoding, sample_rate_hz=self.rate, channels=len(self.roles))

    @property
    def who(self) -> tuple[Channel, ...]:
        """Who is on which channel."""
        return tuple(Channel(index=index, role=role) for index, role in enumerate(self.roles))

    @property
    def channel(self) -> int | None:
        """The channel of the track; None where frames have all."""
        return None if self.track is None else self.roles.index(self.track)


class Control(BaseModel):
    """A text frame: what happens in the call, behind the audio before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["hold", "resume", "update", "at", "end"]
    at_ms: WithinCall | None = None
    call: Facts | None = None
    reason: Annotated[str | None, Field(max_length=200)] = None


def add_sockets(router: APIRouter, incoming: Incoming) -> None:
    """``WS /v1/calls/{call_id}/audio``."""

    @router.websocket("/v1/calls/{call_id}/audio")
    async def audio(websocket: WebSocket, call_id: CallId) -> None:
        principal = await admitted(websocket, PUBLISHERS)
        if principal is None:
            return
        line = Line(websocket, incoming, "socket")
        async with line.open():
            given = {name: value for name, value in websocket.query_params.items() if name != "ticket"}
            try:
                asked = AudioParameters.model_validate(given)
            except ValidationError as error:
                raise Refused(INVALID, reason_of(error)) from None
            session = line.session(principal.tenant_id, call_id)
            await _Hearing(line, incoming, session, asked).run()


@dataclass(slots=True)
class _Hearing:
    """One socket of a call."""

    line: Line
    incoming: Incoming
    session: Session
    asked: AudioParameters

    async def run(self) -> None:
        session, channel = self.session, self.asked.channel
        known = session.joiner is not None
        session.check_form(self.asked.raw, self.asked.who)
        self.line.take_over(session, channel)
        begins = session.begin(self.asked.raw, self.asked.who, now_ms(), self.asked.offset_ms)
        assert session.joiner is not None
        track = Track(session.joiner, channel, begins)
        if channel is not None:
            session.joiner.expect(channel, now_ms())
        with self.line.sending(session, channel):
            await self.line.say(
                type="hello",
                call_id=session.call_id,
                offset_ms=session.joiner.ms_of(begins),
                known=known,
                chunk_ms=CHUNK_MS,
                max_frame_bytes=MAX_FRAME_BYTES,
            )
            acknowledging = asyncio.create_task(self._acknowledge())
            try:
                await self._hear(track)
            finally:
                acknowledging.cancel()
                await asyncio.gather(acknowledging, return_exceptions=True)

    async def _hear(self, track: Track) -> None:
        async for frame in self.line.frames():
            if isinstance(frame, str):
                if await self._control(frame, track):
                    return
            else:
                await self._audio(frame, track)

    async def _audio(self, frame: bytes, track: Track) -> None:
        session, joiner = self.session, self.session.joiner
        assert joiner is not None
        if not session.may_be_mined:
            raise Refused(OVER, "the customer has not consented")
        now = now_ms()
        if late := track.feed(frame, now):
            self.line.late_ms += joiner.ms_of(late)
            self.incoming.measures.late.labels("socket").inc(joiner.ms_of(late) / 1_000)
        session.pump(now)
        self.incoming.measures.received.labels("socket").inc(len(frame))
        if joiner.is_full:
            await asyncio.sleep(WAIT_MS / 1_000)
        if session.outbox.is_full:
            await session.outbox.until_room(PATIENCE_S)

    async def _control(self, text: str, track: Track) -> bool:
        """Whether this was the end."""
        session, joiner = self.session, self.session.joiner
        assert joiner is not None
        if len(text) > _CONTROL_BYTES:
            raise Refused(INVALID, f"a text frame has more than {_CONTROL_BYTES} characters")
        try:
            said = Control.model_validate_json(text)
        except ValidationError as error:
            raise Refused(INVALID, reason_of(error)) from None
        at_ms = joiner.end_ms if said.at_ms is None else said.at_ms
        number = f"{said.type}:{at_ms}"
        match said.type:
            case "hold":
                await self.line.say(type="held", at_ms=await lives.hold(session, at_ms, number))
            case "resume":
                at_ms = max(at_ms, session.at_ms(now_ms()) or 0) if said.at_ms is None else at_ms
                await lives.resume(session, at_ms)
                track.move_to(max(track.next, joiner.frames_of(at_ms)))
                await self.line.say(type="resumed", at_ms=at_ms)
            case "update":
                facts = said.call or Facts()
                await lives.update(session, facts.facts(), facts.model_dump_json(exclude_none=True))
                await self.line.say(type="updated")
            case "at":
                track.move_to(max(track.next, joiner.frames_of(at_ms)))
            case "end":
                session.flush(now_ms())
                event = CallEnded(call_id=session.call_id, duration_ms=joiner.end_ms, reason=said.reason)
                self.line.is_ending = True
                await lives.end(self.incoming.sessions, session, event, "socket")
                await self._told()
                await self.line.say(type="ended", duration_ms=joiner.end_ms)
                return True
        return False

    async def _acknowledge(self) -> None:
        """For ever: tell what Kafka has, the newest alone where the client reads slowly."""
        changed = asyncio.Event()
        self.session.listeners.add(changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                await self._told()
        finally:
            self.session.listeners.discard(changed)

    async def _told(self) -> None:
        if self.session.confirmed is not None:
            sequence, end_ms = self.session.confirmed
            late = {"late_ms": self.line.late_ms} if self.line.late_ms else {}
            await self.line.say(type="ack", sequence=sequence, offset_ms=end_ms, **late)
