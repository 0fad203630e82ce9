"""Recordings that come in: uploaded, or told where they are."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, Final, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect

from pipeline.blobs.names import call_folder, segment_of
from pipeline.erasure.erased import Erased
from pipeline.errors import Retryable
from schemas.audio import Encoding, RawFormat, RecordingAvailable, Sha256, Split
from schemas.wire import CallFacts, Channel, Role
from workers.gateway.door import principal_of
from workers.gateway.incoming.calls import PAGE
from workers.gateway.incoming.events import event_record, said
from workers.gateway.incoming.incoming import Incoming
from workers.gateway.incoming.requests import CallPath, Facts, Key, WithinCall

T = TypeVar("T")
_BLOCK: Final = 1_048_576
"""Bytes that are written at once: a thread is woken once a megabyte."""
_JSON_BYTES: Final = 1_000_000
"""The largest body that says where a recording is."""


class About(Facts):
    """What is known of a recording besides its bytes; roles are those of its channels, from the first on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    revision: Annotated[int, Field(ge=1)] = 1
    roles: Annotated[list[Role], Field(max_length=32, default_factory=list)]
    encoding: Annotated[Encoding | None, Field(description="Of audio without a header")] = None
    rate: Annotated[int | None, Field(ge=4_000, le=192_000, description="Hz, likewise")] = None
    channels: Annotated[int | None, Field(ge=1, le=32, description="How many, likewise")] = None
    split: Split | None = None
    markers_ms: Annotated[list[WithinCall], Field(max_length=10_000, default_factory=list)]

    def event(self, call_id: str, dataref: str, sha256: str | None) -> RecordingAvailable:
        """The event that announces it.

        Raises:
            ValidationError: what is said of audio without a header is not all that is needed.
        """
        raw = None
        if self.encoding is not None or self.rate is not None or self.channels is not None:
            raw = RawFormat.model_validate(
                {"encoding": self.encoding, "sample_rate_hz": self.rate, "channels": self.channels or 1}
            )
        return RecordingAvailable(
            call_id=call_id,
            call=self.facts(),
            revision=self.revision,
            dataref=dataref,
            sha256=sha256,
            raw=raw,
            channels=tuple(Channel(index=index, role=role) for index, role in enumerate(self.roles)),
            split=self.split,
            markers_ms=tuple(self.markers_ms),
        )


class UploadParameters(About):
    """The query of an upload; lists are repeated parameters."""

    sha256: Annotated[Sha256 | None, Field(description="Of the body: another body is refused")] = None


class Elsewhere(About):
    """A recording that the workers can fetch themselves."""

    uri: Annotated[str, Field(pattern=r"^(https?|s3|file)://\S+$", max_length=4_096)]
    sha256: Sha256 | None = None


class RecordingTaken(BaseModel):
    """The recording is announced; of one that was uploaded, what came."""

    call_id: str
    sha256: str | None = None
    bytes: int | None = None


def add_recordings(router: APIRouter, incoming: Incoming) -> None:
    """``POST /v1/calls/{call_id}/recordings``: the audio itself, or JSON that says where it is."""

    @router.post(
        "/v1/calls/{call_id}/recordings",
        summary="A recording: its bytes, or as JSON where it is",
        operation_id="add_recording",
        responses={201: {"model": RecordingTaken}},
        **{**PAGE, "openapi_extra": {**PAGE["openapi_extra"], "requestBody": _body()}},
    )
    async def add_recording(
        request: Request, call_id: CallPath, query: Annotated[UploadParameters, Query()], key: Key = None
    ) -> Response:
        incoming.check()
        tenant_id, size = principal_of(request.scope).tenant_id, None
        refuse_erased(incoming.erased, tenant_id, call_id, query)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            event = await _elsewhere(request, call_id, incoming.uploads / segment_of(tenant_id), incoming.uploads)
        else:
            _event(query, call_id, "file:///", None)  # what is wrong with it is said before anything is stored
            folder = incoming.uploads / call_folder(tenant_id, call_id)
            stored = await store(request.stream(), folder, incoming.max_upload_bytes, query.sha256)
            if incoming.erased.holds(tenant_id, call_id):  # while its bytes came: they may be what was deleted just now
                await _on_disk(partial(stored.path.unlink, missing_ok=True))
            incoming.measures.received.labels("upload").inc(stored.bytes)
            event, size = _event(query, call_id, stored.path.as_uri(), stored.sha256), stored.bytes
        refuse_erased(incoming.erased, tenant_id, call_id, event.call)
        told = said(event) if key is None else f"key:{key}"
        record = event_record(event, tenant_id=tenant_id, time=datetime.now(UTC), told_by=told, medium="voice")
        await incoming.publish(record)
        answer = RecordingTaken(call_id=call_id, sha256=event.sha256, bytes=size)
        return Response(
            answer.model_dump_json(exclude_none=True), 201, {"Cache-Control": "no-store"}, "application/json"
        )


def refuse_erased(erased: Erased, tenant_id: str, call_id: str, facts: CallFacts) -> None:
    """See that a call is none of those that are to be forgotten.

    Raises:
        HTTPException: it is (410).
    """
    if erased and erased.covers(tenant_id, call_id, facts, datetime.now(UTC)):
        raise HTTPException(410, "the call was erased: nothing of it is taken any more")


class Stored(BaseModel):
    """A file that is on the disk, named by its content."""

    path: Path
    sha256: str
    bytes: int


async def store(body: AsyncIterator[bytes], folder: Path, most: int, expected: str | None = None) -> Stored:
    """Write a body to a file that is named by its SHA-256, and on the disk when this returns.

    Raises:
        HTTPException: it breaks off (400), is empty or not what was announced (422), or too large (413).
        Retryable: the disk is full or away.
    """
    part = folder / f".{uuid4().hex}.part"
    try:
        await _on_disk(partial(folder.mkdir, parents=True, exist_ok=True, mode=0o700))
        digest, size = await _written(body, part, most)
        if not size:
            raise HTTPException(422, "the recording has no bytes")
        if expected is not None and digest != expected:
            raise HTTPException(422, f"the body's sha256 is {digest}, not the one that was announced")
        path = (folder / digest).resolve()
        await _on_disk(partial(_settle, part, path))
    except ClientDisconnect:
        raise HTTPException(400, "the upload broke off") from None
    finally:
        with suppress(OSError):
            part.unlink()
    return Stored(path=path, sha256=digest, bytes=size)


async def _written(body: AsyncIterator[bytes], part: Path, most: int) -> tuple[str, int]:
    hasher, size, block = hashlib.sha256(), 0, bytearray()
    with await _on_disk(partial(_created, part)) as file:

        def write() -> None:
            hasher.update(block)
            file.write(block)
            block.clear()

        async for piece in body:
            size += len(piece)
            if size > most:
                raise HTTPException(413, f"the recording has more than {most} bytes")
            block += piece
            if len(block) >= _BLOCK:
                await _on_disk(write)
        await _on_disk(write)
        await _on_disk(partial(_synced, file))
    return hasher.hexdigest(), size


async def _on_disk(do: Callable[[], T]) -> T:
    """Do it in a thread.

    Raises:
        Retryable: the disk is full or away.
    """
    try:
        return await asyncio.to_thread(do)
    except OSError as error:
        raise Retryable(f"the recording cannot be stored: {error.strerror}", dependency="uploads") from error


def _created(part: Path) -> IO[bytes]:
    return part.open("xb")


def _synced(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _settle(part: Path, path: Path) -> None:
    """Give the file its name, for good: the folder's entry is on the disk, too."""
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


async def _elsewhere(request: Request, call_id: str, own: Path, uploads: Path) -> RecordingAvailable:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _JSON_BYTES:
            raise HTTPException(413, f"the body has more than {_JSON_BYTES} bytes")
    try:
        about = Elsewhere.model_validate_json(bytes(body))
    except ValidationError as error:
        raise RequestValidationError(_within("body", error)) from None
    if await _on_disk(partial(_is_anothers, about.uri, own, uploads)):
        raise HTTPException(422, "the uri leads to what another tenant has uploaded")
    return _event(about, call_id, about.uri, about.sha256)


def _is_anothers(uri: str, own: Path, uploads: Path) -> bool:
    """Whether a file is below the folder of uploads, and not in the tenant's ``own``; workers may read all of them."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return False
    try:
        path = Path(unquote(parts.path)).resolve()
    except (ValueError, RuntimeError):  # a null byte, or links in a circle: workers refuse it, too
        return False
    return path.is_relative_to(uploads.resolve()) and not path.is_relative_to(own.resolve())


def _event(about: About, call_id: str, dataref: str, sha256: str | None) -> RecordingAvailable:
    try:
        return about.event(call_id, dataref, sha256)
    except ValidationError as error:
        raise RequestValidationError(_within("query", error)) from None


def _within(where: str, error: ValidationError) -> list[Any]:
    return [{**one, "loc": (where, *one["loc"])} for one in error.errors(include_url=False, include_input=False)]


def _body() -> dict[str, Any]:
    audio = {"schema": {"type": "string", "format": "binary"}}
    return {"content": {"audio/*": audio, "application/json": {"schema": Elsewhere.model_json_schema()}}}
