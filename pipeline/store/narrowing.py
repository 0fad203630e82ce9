"""What a question is narrowed by: options to filters, and which of them left nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pipeline.errors import ConvmineError
from pipeline.ports import Hit, VectorStore, Where
from pipeline.store.collections import CALLS, INTENTS
from pipeline.store.filters import both
from pipeline.store.points import utterance_point_id
from schemas.call import OutcomeResult

OutcomeSource = Literal["inferred", "observed"]

_PAGE: Final = 500
_MOST_JOINED: Final = 10_000
_AGO: Final = re.compile(r"^(\d{1,6})([mhdw])$")
_UNITS: Final[Mapping[str, timedelta]] = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


class Unknown(ConvmineError):
    """A name that stands nowhere in the store; the hint has the nearest that do."""


class TooWide(ConvmineError):
    """A question that goes through more calls than one query can name."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question asks for besides its words; None is anything. ``outcome`` is a name, or won, lost or open."""

    role: str | None = None
    scenario: str | None = None
    intent: str | None = None
    topic: str | None = None
    outcome: str | None = None
    outcome_source: OutcomeSource = "inferred"
    call_id: str | None = None
    since: datetime | None = None
    min_confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A value that should stand in this field of this collection."""

    what: str
    collection: str
    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One option as it was typed, the filter that it means, and the name it uses."""

    option: str
    where: Where
    named: Named | None = None


def parse_since(text: str, now: datetime) -> datetime:
    """An instant: ``7d`` (also m, h, w) before now, or an ISO date or time, in UTC unless it says otherwise.

    Raises:
        ValueError: it is neither; the message says what is expected.
    """
    if ago := _AGO.match(text):
        try:
            return now - int(ago[1]) * _UNITS[ago[2]]
        except OverflowError:
            raise ValueError(f"{text!r} lies before the calendar begins") from None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is neither a time ago such as 90m, 12h, 7d, 4w nor a date such as 2026-03-31"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def of_tenant(tenant_id: str) -> Where:
    """The points of one tenant; every question is asked inside it."""
    return Where(equal={"tenant_id": tenant_id})


async def of_utterances(store: VectorStore, tenant_id: str, asked: Asked) -> list[Narrowing]:
    """The filters on utterances: an intent means the segments it was found in, an outcome the calls that ended so."""
    narrowings = _plain(asked)
    if asked.intent is not None:
        condition = both(of_tenant(tenant_id), Where(equal={"name": asked.intent}))
        hits = await _all(store, INTENTS, condition, "--intent")
        said = sorted(
            {
                utterance_point_id(tenant_id, hit.payload["call_id"], piece["segment_id"])
                for hit in hits
                for piece in hit.payload["evidence"]
            }
        )
        named = Named("intent", INTENTS, "name", asked.intent)
        narrowings.append(Narrowing(f"--intent {asked.intent}", Where(equal={"utterance_id": said}), named))
    return [*narrowings, *await _by_outcome(store, tenant_id, asked)]


def of_calls(asked: Asked) -> list[Narrowing]:
    """The filters on calls: on what is known of them from outside, not on what was mined."""
    return _plain(asked)


async def of_intents(store: VectorStore, tenant_id: str, asked: Asked) -> list[Narrowing]:
    """The filters on intents, which carry their call's inferred outcome themselves."""
    narrowings = _plain(asked)
    if asked.intent is not None:
        narrowings.insert(0, _field("--intent", "intent", INTENTS, "name", asked.intent))
    if asked.topic is not None:
        narrowings.append(_field("--topic", "topic", INTENTS, "topic", asked.topic))
    if asked.min_confidence is not None:
        where = Where(at_least={"confidence": asked.min_confidence})
        narrowings.append(Narrowing(f"--min-confidence {asked.min_confidence:g}", where))
    if asked.outcome is not None and asked.outcome_source == "inferred":
        return [*narrowings, _field("--outcome", "outcome", INTENTS, _outcome_field(asked), asked.outcome)]
    return [*narrowings, *await _by_outcome(store, tenant_id, asked)]


def combined(tenant_id: str, narrowings: Iterable[Narrowing]) -> Where:
    """All of them, inside the tenant."""
    where = of_tenant(tenant_id)
    for narrowing in narrowings:
        where = both(where, narrowing.where)
    return where


async def emptied_by(
    store: VectorStore, collection: str, tenant_id: str, narrowings: Sequence[Narrowing]
) -> str | None:
    """The first option that leaves nothing; None where there was nothing before.

    Raises:
        Unknown: the option's name stands nowhere in the store.
    """
    if not await store.count(collection, of_tenant(tenant_id)):
        return None
    for number, narrowing in enumerate(narrowings, start=1):
        if await store.count(collection, combined(tenant_id, narrowings[:number])):
            continue
        if narrowing.named is not None:
            await check_known(store, tenant_id, narrowing.named)
        return narrowing.option
    return None


async def check_known(store: VectorStore, tenant_id: str, named: Named) -> None:
    """Nothing, where a point has this value.

    Raises:
        Unknown: none has; the hint has the nearest that are there.
    """
    from rapidfuzz import process

    known = await store.values(named.collection, named.field, of_tenant(tenant_id), limit=_MOST_JOINED)
    if named.value in known:
        return
    nearest = [name for name, *_ in process.extract(named.value, list(known), limit=3)]
    hint = f"nearest: {', '.join(nearest)}" if nearest else "nothing of the kind is stored yet; see convmine calls list"
    raise Unknown(f"no {named.what} named {named.value!r} is stored", hint=hint)


def _plain(asked: Asked) -> list[Narrowing]:
    narrowings = []
    if asked.call_id is not None:
        narrowings.append(_field("--call", "call", CALLS, "call_id", asked.call_id))
    if asked.scenario is not None:
        narrowings.append(_field("--scenario", "scenario", CALLS, "scenario", asked.scenario))
    if asked.role is not None:
        narrowings.append(Narrowing(f"--role {asked.role}", Where(equal={"role": asked.role})))
    if asked.since is not None:
        where = Where(at_least={"started_ts": asked.since.timestamp()})
        narrowings.append(Narrowing(f"--since {asked.since:%Y-%m-%d %H:%M}", where))
    return narrowings


def _field(option: str, what: str, collection: str, field: str, value: str) -> Narrowing:
    return Narrowing(f"{option} {value}", Where(equal={field: value}), Named(what, collection, field, value))


def _outcome_field(asked: Asked) -> str:
    field = f"outcome_{asked.outcome_source}"
    return f"{field}_result" if asked.outcome in set(OutcomeResult) else field


async def _by_outcome(store: VectorStore, tenant_id: str, asked: Asked) -> list[Narrowing]:
    if asked.outcome is None:
        return []
    field = _outcome_field(asked)
    hits = await _all(store, CALLS, both(of_tenant(tenant_id), Where(equal={field: asked.outcome})), "--outcome")
    calls = sorted({str(hit.payload["call_id"]) for hit in hits})
    option = f"--outcome {asked.outcome} ({asked.outcome_source})"
    is_result = field.endswith("_result")
    named = None if is_result else Named(f"{asked.outcome_source} outcome", CALLS, field, asked.outcome)
    return [Narrowing(option, Where(equal={"call_id": calls}), named)]


async def _all(store: VectorStore, collection: str, where: Where, option: str) -> list[Hit]:
    hits: list[Hit] = []
    after = None
    while True:
        page, after = await store.page(collection, where, _PAGE, after)
        hits += page
        if after is None:
            return hits
        if len(hits) >= _MOST_JOINED:
            raise TooWide(
                f"{option} matches more than {_MOST_JOINED:,} points, too many for one search",
                hint="add --since, --scenario or --call",
            )
