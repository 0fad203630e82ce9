"""Parts of a file by HTTP (RFC 9110, 14): what a player asks for when somebody jumps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from workers.gateway.problems import problem
from workers.gateway.replies import problem_reply

MOST_BYTES: Final = 1 << 20
"""Of one part. A player that is paused stops reading, and a response that nobody reads is cut after a while; with parts
of a minute of telephone speech it has all of one before that, and asks for the next.
"""
_RANGE: Final = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII)
_BLOCK: Final = 65_536


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """From which byte up to, not including, which one a header asks for; None where it asks for all.

    What is no range, or several, asks for all: a server may read it so.

    Raises:
        ValueError: it begins beyond the file.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    first, last = found[1], found[2]
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    if start >= size or (not first and int(last) == 0):
        raise ValueError(header)
    end = min(size, int(last) + 1) if first and last else size
    return start, min(end, start + MOST_BYTES)


def file_reply(request: Request, path: Path, *, media_type: str, etag: str) -> Response:
    """The file, or the part of it that is asked for; it stays open until it was sent, even when it is removed."""
    file = path.open("rb")
    size = path.stat().st_size
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "private, no-store"}
    asked = request.headers.get("range") if request.headers.get("if-range") in {None, etag} else None
    try:
        part = part_of(asked, size)
    except ValueError:
        file.close()
        beyond = problem(416, f"the recording has {size} bytes")
        return problem_reply(beyond, headers={"Content-Range": f"bytes */{size}"})
    start, end = part or (0, size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 200 if part is None else 206
    if request.method == "HEAD":
        file.close()
        return Response(status_code=status, headers=headers, media_type=media_type)
    return StreamingResponse(_blocks(file, start, end), status, headers, media_type)


def _blocks(file: IO[bytes], start: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < end and (block := file.read(min(_BLOCK, end - start))):
            start += len(block)
            yield block
