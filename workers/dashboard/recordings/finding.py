"""Where the recording of a call lies."""

from __future__ import annotations

import re
from typing import Final, Protocol

from pipeline.errors import Config
from pipeline.ports import ClaimCheck

_NAME: Final = re.compile(r"[A-Za-z0-9_+=@:~][\w.+=@:~-]*", re.ASCII)
"""Ids that may stand in an address: no separators, and nothing that leads to another folder."""


class Recordings(Protocol):
    """Knows where recordings lie."""

    def claim(self, tenant_id: str, call_id: str) -> ClaimCheck | None:
        """Where that of a call should lie; None where none is kept of it."""


class NoRecordings:
    """``Recordings`` where none are kept."""

    def claim(self, tenant_id: str, call_id: str) -> ClaimCheck | None:
        """None of any."""
        del tenant_id, call_id
        return None


class NamedRecordings:
    """``Recordings`` whose addresses are made of the call's id.

    Args:
        pattern: such as ``file:///srv/recordings/{tenant_id}/{call_id}.wav``; also ``https://`` and ``s3://``.

    Raises:
        Config: it does not name the call, or names something else.
    """

    def __init__(self, pattern: str) -> None:
        try:
            made = pattern.format(tenant_id="", call_id="")
        except (AttributeError, LookupError, ValueError):
            made = pattern
        if "{call_id}" not in pattern or "{" in made:
            expected = "an address such as file:///srv/recordings/{tenant_id}/{call_id}.wav, which names the call"
            raise Config("CONVMINE_DASHBOARD_RECORDINGS", expected)
        self._pattern = pattern

    def claim(self, tenant_id: str, call_id: str) -> ClaimCheck | None:
        """The address with the ids put in; None for ids that cannot be part of one."""
        if not (_NAME.fullmatch(tenant_id) and _NAME.fullmatch(call_id)):
            return None
        return ClaimCheck(self._pattern.format(tenant_id=tenant_id, call_id=call_id))
