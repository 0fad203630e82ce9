"""Dead letters as the page shows them, of one tenant alone."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.access.principal import Principal
from pipeline.errors import Config, ConvmineError, Retryable
from pipeline.store.known import Unknown
from workers.dashboard.operations.plant import Plant
from workers.dead_letters import DeadLetter, Replay, Wanted, original_headers, place_of
from workers.originals import readable
from workers.records import Record
from workers.replays import Known

_LONGEST: Final = 20_000
"""Characters of an original that are shown."""


@dataclass(frozen=True, slots=True)
class Letter:
    """The facts of a dead letter, and when and by whom it was replayed."""

    name: str
    at: datetime
    stage: str
    lane: str
    topic: str
    call_id: str | None
    error: str
    message: str
    attempts: int | None
    size: int
    replayed_at: datetime | None
    replayed_by: str | None


@dataclass(frozen=True, slots=True)
class Letters:
    """The newest first; ``matching`` counts those that are not listed, too."""

    items: tuple[Letter, ...]
    matching: int


@dataclass(frozen=True, slots=True)
class Original:
    """What could not be handled: its headers and its value as text, cut where it is long."""

    letter: Letter
    headers: tuple[tuple[str, str], ...]
    value: str
    is_cut: bool


def letter_of(letter: DeadLetter, replay: Replay | None) -> Letter:
    """What is shown of a letter."""
    return Letter(
        letter.name,
        letter.at,
        letter.stage,
        letter.lane,
        letter.topic,
        letter.call_id,
        letter.error,
        letter.message,
        letter.attempts,
        letter.size,
        replay.at if replay else None,
        replay.by if replay else None,
    )


def newest(known: Iterable[Known], limit: int) -> Letters:
    """The newest so many."""
    found = list(known)
    chosen = heapq.nlargest(limit, found, key=lambda one: (one[0].at, one[0].place.offset))
    return Letters(tuple(letter_of(*one) for one in chosen), len(found))


def original_of(known: Known, record: Record) -> Original:
    """What stood in the topic."""
    headers = tuple((name, value.decode(errors="backslashreplace")) for name, value in original_headers(record))
    text = _text(record.value or b"")
    return Original(letter_of(*known), headers, text[:_LONGEST], len(text) > _LONGEST)


async def of_tenant(plant: Plant, principal: Principal, wanted: Wanted, home: str) -> list[Known]:
    """Those that somebody may see: of their tenant; where it is not known whose one is, of the ``home`` tenant."""
    return [known for known in await plant.letters(wanted) if _is_theirs(known[0], principal, home)]


async def one_of_tenant(plant: Plant, principal: Principal, name: str, home: str) -> tuple[Known, Record]:
    """One that somebody may see.

    Raises:
        ConvmineError: it is no name of a dead letter.
        Unknown: there is none of this name, or it is another tenant's: nobody learns which.
        Retryable: the broker is away.
    """
    place_of(name)
    try:
        known, record = await plant.letter(name)
    except (Retryable, Config):
        raise
    except ConvmineError:
        raise _unknown(name) from None
    if not _is_theirs(known[0], principal, home):
        raise _unknown(name)
    return known, record


def _unknown(name: str) -> Unknown:
    return Unknown(f"there is no dead letter {name}")


def _is_theirs(letter: DeadLetter, principal: Principal, home: str) -> bool:
    return (letter.tenant_id or home) == principal.tenant_id


def _text(value: bytes) -> str:
    kind, shown = readable(value)
    if kind == "json":
        return json.dumps(shown, ensure_ascii=False, indent=2)
    return value.decode(errors="backslashreplace")
