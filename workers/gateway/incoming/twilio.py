"""Calls of Twilio, by its Media Streams: JSON frames over a WebSocket.

Source: Twilio, "Media Streams - WebSocket Messages" and "Security" (signatures). A stream has tracks of µ-law at 8 kHz:
``inbound`` is what Twilio receives from the other party of the call, ``outbound`` what it sends there. Twilio calls
without headers of ours and drops the query of the address, so that a key comes as the custom parameter ``key``; else
its own signature of the address says that it is Twilio. Nothing is ever sent back: a stream of one direction takes
nothing but silence.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import inspect
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.audio import Encoding, RawFormat
from schemas.call import CallEnded
from schemas.wire import Channel, Role
from workers.gateway.incoming import lives
from workers.gateway.incoming.incoming import PUBLISHERS, Incoming, Twilio
from workers.gateway.incoming.lines import BROKEN, INVALID, NO_KEY, Line, Refused, reason_of
from workers.gateway.incoming.requests import CALL_ID, Facts
from workers.gateway.incoming.session import PATIENCE_S, Session, now_ms
from workers.gateway.incoming.tracks import Track

PATH: Final = "/v1/adapters/twilio"
START_S: Final = 10.0
"""Seconds within which somebody of whom nothing is known says who it is; Twilio does at once."""
_RATE_HZ: Final = 8_000
_FRAME_CHARACTERS: Final = 65_536
"""The largest frame: Twilio's have some 400, of 20 ms."""
Sid = Annotated[str, Field(pattern=CALL_ID)]


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MediaFormat(_Told):
    """How the audio is written; there is but this one."""

    encoding: Literal["audio/x-mulaw"]
    sampleRate: Literal[8_000]  # noqa: N815 - Twilio's names
    channels: Literal[1]


class Start(_Told):
    """What Twilio says of a stream first."""

    streamSid: Sid  # noqa: N815
    callSid: Sid  # noqa: N815
    tracks: Annotated[tuple[Literal["inbound", "outbound"], ...], Field(min_length=1, max_length=2)]
    mediaFormat: MediaFormat  # noqa: N815
    customParameters: dict[str, str] = {}  # noqa: N815


class Custom(Facts):
    """The custom parameters that are ours; all others are the user's own business."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    call_id: Sid | None = None
    inbound_role: Role = Role.CUSTOMER
    outbound_role: Role = Role.AGENT


def signature(token: str, url: str) -> str:
    """What Twilio sends as ``X-Twilio-Signature`` of an address that is asked for without a body."""
    return base64.b64encode(hmac.digest(token.encode(), url.encode(), "sha1")).decode()


def add_twilio(router: APIRouter, incoming: Incoming) -> None:
    """``WS /v1/adapters/twilio``; the door lets everybody through to it, and its first frames say who it is."""

    @router.websocket(PATH)
    async def twilio(websocket: WebSocket) -> None:
        line = Line(websocket, incoming, "twilio", talks=False)
        async with line.open():
            await _Stream(line, incoming, _signer(websocket, incoming.twilio)).run()


def _signer(websocket: WebSocket, twilio: Twilio | None) -> str | None:
    """The tenant of a request that Twilio has signed; None where there is no signature or none is expected.

    Raises:
        Refused: the signature is wrong.
    """
    sent = websocket.headers.get("x-twilio-signature")
    if twilio is None or sent is None:
        return None
    url = twilio.url or f"wss://{websocket.headers.get('host', '')}{PATH}"
    found = sent.encode()
    # Twilio signs the address as it was written for it, with or without a slash at its end.
    if any(hmac.compare_digest(signature(twilio.token, one).encode(), found) for one in (url, url + "/")):
        return twilio.tenant_id
    raise Refused(NO_KEY, "the signature is not Twilio's for this address")


class _Stream:
    """One stream: until its start is known, nobody; then the tracks of a call."""

    def __init__(self, line: Line, incoming: Incoming, tenant_id: str | None) -> None:
        self._line = line
        self._incoming = incoming
        self._tenant_id = tenant_id
        self._tracks: dict[str, Track] = {}

    async def run(self) -> None:
        """Take the call to its end.

        Raises:
            Refused: it is not allowed, or does not say what Twilio says.
        """
        frames = self._line.frames()
        try:
            async with asyncio.timeout(START_S):
                start = await _first(frames)
        except TimeoutError:
            raise Refused(NO_KEY, "no start has come") from None
        if start is None:
            return
        custom = _custom(start)
        session = self._line.session(await self._tenant(start), custom.call_id or start.callSid)
        channels = tuple(
            Channel(index=index, role=custom.inbound_role if track == "inbound" else custom.outbound_role)
            for index, track in enumerate(start.tracks)
        )
        await lives.start(session, custom.facts(), channels, start.streamSid, patience_s=PATIENCE_S)
        session = self._line.session(session.tenant_id, session.call_id)  # which says so where there is no consent
        raw = RawFormat(encoding=Encoding.PCMU, sample_rate_hz=_RATE_HZ, channels=len(channels))
        session.check_form(raw, channels)
        self._line.take_over(session, *range(len(channels)))
        begins = session.begin(raw, channels, now_ms(), None)
        assert session.joiner is not None
        for channel, track in enumerate(start.tracks):
            self._tracks[track] = Track(session.joiner, channel, begins)
        with self._line.sending(session, *range(len(channels))):
            async for frame in frames:
                said = _read(frame)
                if said["event"] == "media":
                    await self._media(session, said.get("media"))
                elif said["event"] == "stop":
                    await self._stopped(session)
                    return

    async def _tenant(self, start: Start) -> str:
        """Whose call this is, by the signature or by the key."""
        if self._tenant_id is not None:
            return self._tenant_id
        found = self._incoming.whose(start.customParameters.get("key", ""))
        principal = await found if inspect.isawaitable(found) else found
        if principal is None or not principal.roles & PUBLISHERS:
            raise Refused(NO_KEY, "the custom parameter key is no valid key with the scope publish")
        return principal.tenant_id

    async def _media(self, session: Session, media: Any) -> None:  # noqa: ANN401 - JSON
        try:
            track, stamp_ms = self._tracks[media["track"]], int(media["timestamp"])
            audio = base64.b64decode(media["payload"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise Refused(BROKEN, "a media frame needs track, timestamp and payload in Base64") from None
        joiner, now, measures = session.joiner, now_ms(), self._incoming.measures
        assert joiner is not None
        if late := track.feed_at(audio, stamp_ms, now):
            measures.late.labels("twilio").inc(joiner.ms_of(late) / 1_000)
        session.pump(now)
        measures.received.labels("twilio").inc(len(audio))
        if session.outbox.is_full:
            await session.outbox.until_room(PATIENCE_S)

    async def _stopped(self, session: Session) -> None:
        session.flush(now_ms())
        assert session.joiner is not None
        self._line.is_ending = True
        event = CallEnded(call_id=session.call_id, duration_ms=session.joiner.end_ms, reason="the stream has stopped")
        await lives.end(self._incoming.sessions, session, event, "twilio")


def _read(frame: str | bytes) -> dict[str, Any]:
    if isinstance(frame, bytes) or len(frame) > _FRAME_CHARACTERS:
        raise Refused(BROKEN, "a frame of Twilio is a JSON text of no more than 64 kB")
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("event"), str):
        raise Refused(BROKEN, "a frame of Twilio is a JSON object with an event")
    return said


async def _first(frames: AsyncIterator[str | bytes]) -> Start | None:
    """The start of a stream; None where it went before."""
    async for frame in frames:
        said = _read(frame)
        if said["event"] == "start":
            return _started(said)
        if said["event"] != "connected":
            raise Refused(INVALID, "the first frames of a stream are connected and start")
    return None


def _started(said: dict[str, Any]) -> Start:
    try:
        return Start.model_validate(said.get("start"))
    except ValidationError as error:
        raise Refused(INVALID, f"start: {reason_of(error)}") from None


def _custom(start: Start) -> Custom:
    try:
        return Custom.model_validate(start.customParameters)
    except ValidationError as error:
        raise Refused(INVALID, f"customParameters: {reason_of(error)}") from None
