"""One entry of the audit log, as it is kept and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Origin = Literal["gateway", "cli", "mcp"]
"""Through what somebody asked; what the command line or an assistant asks of a gateway is the gateway's."""
Result = Literal["answered", "refused", "failed"]
"""Refused is what cannot be asked or may not be seen; failed is what had no answer for another reason."""

MOST_CALLS: Final = 100
"""Ids of calls, and of customers, that an entry has; of further ones only how many they are."""
MOST_TEXT: Final = 2_000
"""Characters of what was asked that an entry has."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a key of the gateway by its id, or a user of the operating system by name."""

    tenant_id: str
    who: str
    origin: Origin


class Entry(BaseModel):
    """When who asked what, of which calls they were shown something, and how it ended.

    It has no words of calls: of a call its id alone. That stays when the call is erased, as the proof that it was, and
    of who had seen it before. ``action`` is the kind of question, or the command; ``about`` is the question as JSON,
    cut at ``MOST_TEXT``. ``calls`` are those that were shown, or the one that was asked for by its id; ``call_count``
    is how many there were. ``customers`` are the pseudonyms that were asked for or shown. ``reason`` is the kind of
    error where there was no answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry_id: str
    at: AwareDatetime
    tenant_id: str
    who: Annotated[str, Field(max_length=200)]
    origin: Origin
    action: Annotated[str, Field(max_length=40)]
    about: Annotated[str, Field(max_length=MOST_TEXT)] = ""
    calls: Annotated[tuple[str, ...], Field(max_length=MOST_CALLS)] = ()
    call_count: int = 0
    customers: Annotated[tuple[str, ...], Field(max_length=MOST_CALLS)] = ()
    result: Result = "answered"
    reason: str | None = None

    @property
    def at_ms(self) -> int:
        """When, in ms since 1970: what entries are ordered by."""
        return round(self.at.timestamp() * 1_000)
