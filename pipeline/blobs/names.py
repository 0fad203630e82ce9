"""What a blob may be called, and how large it may be: the same for every ``BlobStore``."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pipeline.errors import Poison

LARGEST_BLOB: Final = 64 * 1024 * 1024
"""Bytes. The longest conversation (20,000 messages) has 3 kB a message within it, and a worker with 16 events at once
holds no more than 1 GiB of values, whatever a stranger's event points at.
"""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127}")


def segment_of(text: str) -> str:
    """A segment of a name for any text, another one for each: itself where it is plain, else ``~`` and its SHA-256."""
    if _PLAIN.fullmatch(text):
        return text
    return "~" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def call_folder(tenant_id: str, call_id: str) -> str:
    """The prefix of the names of all values of one call, as ``BlobStore.remove`` takes it."""
    return f"{segment_of(tenant_id)}/{segment_of(call_id)}"


def checked(name: str) -> str:
    """The name, where all its segments (parted by ``/``) are plain ASCII that begins with no dot.

    Raises:
        Poison: it is no name; in particular ``..``, an empty segment, or one of more than 128 characters.
    """
    if all(_SEGMENT.fullmatch(segment) for segment in name.split("/")):
        return name
    raise Poison(f"{name[:200]!r} is no name of a claimed value")


def within_bounds(data: bytes) -> bytes:
    """The value, where it is not too large to be claimed.

    Raises:
        Poison: it is larger than ``LARGEST_BLOB``.
    """
    if len(data) > LARGEST_BLOB:
        raise Poison(f"the value has {len(data)} bytes: a claimed value may have {LARGEST_BLOB}")
    return data
