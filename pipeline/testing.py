"""Public fakes: peer implementations of the ports that keep the same promises, for tests of anyone's stages."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pipeline.audit.entry import Entry
from pipeline.audit.log import EntryPage, Old, Wanted, page_of
from pipeline.backtest.result import Backtest
from pipeline.blobs.names import checked, within_bounds
from pipeline.errors import ConvmineError, Poison
from pipeline.figures import label_values
from pipeline.labels.label import Label, in_order
from pipeline.llm.usage import Purpose, Usage
from pipeline.ports import Hit, KeptAnswer, Order, Point, Recognition, Remembered, Speech, Where
from pipeline.privacy.placeholders import Found
from pipeline.privacy.vault import Access, Kept, Subject, may_be_kept, token_of
from pipeline.store.marks import Mark


class InMemoryStore:
    """A ``VectorStore`` in a dictionary: searched by the share of the query's words that stand in a text."""

    def __init__(self) -> None:
        self.points: dict[str, dict[str, Point]] = {}

    async def prepare(self) -> None:
        """Nothing has to be there before."""

    async def put(self, collection: str, points: Sequence[Point], *, over: Where | None = None) -> None:
        held = self.points.setdefault(collection, {})
        for point in points:
            there = held.get(id_ := str(UUID(point.id)))
            if there is None or over is None or _matcher(over)(there.payload):
                held[id_] = point

    async def get(self, collection: str, ids: Sequence[str]) -> list[Hit]:
        held = self.points.get(collection, {})
        return [Hit(id_, held[id_].payload) for id_ in ids if id_ in held]

    async def remove(self, collection: str, where: Where, *, keep: Sequence[str] = ()) -> None:
        for point in self._matching(collection, where):
            if point.id not in keep:
                del self.points[collection][point.id]

    async def search(
        self, collection: str, text: str, where: Where, limit: int, *, with_cosine: bool = False
    ) -> list[Hit]:
        asked = _words(text)
        hits = []
        for point in self._matching(collection, where):
            words = _words(point.text)
            shared = len(asked & words)
            cosine = shared / (len(asked) * len(words)) ** 0.5 if shared else 0.0
            hits.append(Hit(point.id, point.payload, shared / max(1, len(asked)), cosine if with_cosine else None))
        return sorted(hits, key=lambda hit: -hit.score)[:limit]

    async def similar(self, collection: str, ids: Sequence[str], where: Where, limit: int) -> list[Hit]:
        held = self.points.get(collection, {})
        if not any(id_ in held for id_ in ids):
            return []
        asked = " ".join(held[id_].text for id_ in ids if id_ in held)
        return [hit for hit in await self.search(collection, asked, where, limit + len(ids)) if hit.id not in ids][
            :limit
        ]

    async def page(  # noqa: PLR0913 - one argument an option
        self,
        collection: str,
        where: Where,
        limit: int,
        after: str | None = None,
        *,
        order: Order | None = None,
        fields: Sequence[str] | None = None,
    ) -> tuple[list[Hit], str | None]:
        found = self._matching(collection, where)
        if order is not None:
            found = [point for point in found if order.field in point.payload]
            found.sort(key=lambda point: point.payload[order.field], reverse=order.descending)
        start = int(after or 0)
        hits = [
            Hit(one.id, {key: value for key, value in one.payload.items() if fields is None or key in fields})
            for one in found[start : start + limit]
        ]
        return hits, str(start + limit) if found[start + limit :] else None

    async def count(self, collection: str, where: Where) -> int:
        return len(self._matching(collection, where))

    async def values(self, collection: str, field: str, where: Where, limit: int = 1_000) -> dict[str, int]:
        found = Counter(
            (type(value).__name__, value)
            for point in self._matching(collection, where)
            for value in {one for one in _listed(point.payload, field) if isinstance(one, bool | int | str)}
        )
        ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return {str(value): count for (_, value), count in ranked[:limit]}

    async def close(self) -> None:
        """Nothing is held open."""

    def _matching(self, collection: str, where: Where) -> list[Point]:
        matches = _matcher(where)
        return [point for _, point in sorted(self.points.get(collection, {}).items()) if matches(point.payload)]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))


def _listed(payload: Mapping[str, Any], key: str) -> list[Any]:
    value = payload.get(key, [])
    return list(value) if isinstance(value, list | tuple) else [value]


def _matcher(where: Where) -> Callable[[Mapping[str, Any]], bool]:
    equal, unequal = ({key: frozenset(_listed(asked, key)) for key in asked} for asked in (where.equal, where.unequal))
    also = [_matcher(one) for one in where.also]

    def has(payload: Mapping[str, Any], key: str, allowed: frozenset[Any]) -> bool:
        value = payload.get(key, ())
        return not allowed.isdisjoint(value) if isinstance(value, list | tuple) else value in allowed

    def matches(payload: Mapping[str, Any]) -> bool:
        return (
            all(has(payload, key, allowed) for key, allowed in equal.items())
            and not any(has(payload, key, allowed) for key, allowed in unequal.items())
            and all(any(value >= low for value in _listed(payload, key)) for key, low in where.at_least.items())
            and all(any(value < high for value in _listed(payload, key)) for key, high in where.below.items())
            and all(one(payload) for one in also)
        )

    return matches


class ScriptedEngine:
    """An ``AsrEngine`` that hears what it is told to, one text a stretch; after those, how long each stretch was."""

    name = "scripted"
    sample_rate_hz = 16_000

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = list(texts)
        self.heard: list[Speech] = []

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        self.heard.extend(speeches)
        return [Recognition(self._text(speech), language=speech.language or "en") for speech in speeches]

    async def close(self) -> None:
        """Nothing is held open."""

    def _text(self, speech: Speech) -> str:
        return self._texts.pop(0) if self._texts else f"{len(speech.samples) * 1_000 // speech.sample_rate_hz} ms"


class InMemoryCallState:
    """A ``CallState`` in a dictionary: it survives ``forget``, as a topic does."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, str], Remembered] = {}

    async def load(self, partition: int, key: str) -> Remembered | None:
        return self.kept.get((partition, key))

    async def save(self, partition: int, key: str, state: Remembered) -> None:
        known = self.kept.get((partition, key))
        if known is None or known.offset <= state.offset:
            self.kept[partition, key] = state

    async def drop(self, key: str) -> None:
        self.kept = {place: one for place, one in self.kept.items() if place[1] != key}

    def forget(self, partition: int) -> None:
        """Nothing is held besides what is kept."""


class InMemoryResponseCache:
    """A ``ResponseCache`` in a dictionary; ``now`` gives the time in seconds since 1970."""

    def __init__(self, *, days: int = 30, now: Callable[[], float] = time.time) -> None:
        self._kept_for_s = days * 86_400
        self._now = now
        self.kept: dict[str, tuple[KeptAnswer, str, float]] = {}

    async def get(self, key: str) -> KeptAnswer | None:
        self._expire()
        return self.kept[key][0] if key in self.kept else None

    async def put(self, key: str, answer: KeptAnswer, *, subject: str) -> KeptAnswer:
        self._expire()
        return self.kept.setdefault(key, (answer, subject, self._now()))[0]

    async def remove(self, subject: str) -> int:
        before = len(self.kept)
        self.kept = {key: one for key, one in self.kept.items() if one[1] != subject}
        return before - len(self.kept)

    async def expire(self, older_than_s: float) -> int:
        before, oldest = len(self.kept), self._now() - older_than_s
        self.kept = {key: one for key, one in self.kept.items() if one[2] >= oldest}
        return before - len(self.kept)

    async def close(self) -> None:
        """Nothing is held open."""

    def _expire(self) -> None:
        oldest = self._now() - self._kept_for_s
        self.kept = {key: one for key, one in self.kept.items() if one[2] >= oldest}


class InMemoryLedger:
    """A ``UsageLedger`` in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[Purpose, Usage] = {}

    async def add(self, used: Mapping[Purpose, Usage]) -> None:
        for purpose, usage in used.items():
            self.kept[purpose] = self.kept.get(purpose, Usage()) + usage

    async def read(self, tenant_id: str, since: date) -> Mapping[Purpose, Usage]:
        return {
            purpose: usage
            for purpose, usage in self.kept.items()
            if purpose.tenant_id == tenant_id and purpose.day >= since
        }

    async def remove(self, tenant_id: str, before: date) -> None:
        self.kept = {one: used for one, used in self.kept.items() if one.tenant_id != tenant_id or one.day >= before}

    async def close(self) -> None:
        """Nothing is held open."""


class InMemoryBlobs:
    """A ``BlobStore`` in a dictionary, behind ``memory:///``; ``now`` gives the time in seconds since 1970."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.kept: dict[str, tuple[bytes, float]] = {}

    async def put(self, name: str, data: bytes) -> str:
        self.kept[checked(name)] = (within_bounds(data), self._now())
        return f"memory:///{name}"

    async def get(self, uri: str) -> bytes:
        name = checked(uri.removeprefix("memory:///"))
        if name not in self.kept:
            raise Poison(f"{uri!r} is not there any more")
        return self.kept[name][0]

    async def remove(self, prefix: str) -> int:
        below = f"{checked(prefix)}/"
        return self._drop([name for name in self.kept if f"{name}/".startswith(below)])

    async def expire(self, older_than_s: float) -> int:
        oldest = self._now() - older_than_s
        return self._drop([name for name, (_, at) in self.kept.items() if at < oldest])

    def _drop(self, names: Sequence[str]) -> int:
        for name in names:
            del self.kept[name]
        return len(names)


class InMemoryVault:
    """A ``Vault`` in a dictionary; ``now`` gives the time in seconds since 1970."""

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.kept: dict[str, Kept] = {}
        self._accesses: list[Access] = []

    async def keep(self, subject: Subject, found: Sequence[Found]) -> tuple[str, ...]:
        new = {
            (token := token_of(subject, one)): Kept(token, subject, one.segment_id, one.kind, one.place, one.value)
            for one in found
            if may_be_kept(one) and one.value is not None
        }
        self.kept |= new
        return tuple(new)

    async def reveal(self, what: str, *, tenant_id: str, who: str) -> tuple[Kept, ...]:
        mine = (one for one in self.kept.values() if one.subject.tenant_id == tenant_id)
        found = tuple(one for one in mine if what in {one.token, one.subject.call_id})
        counts = Counter(str(one.subject) for one in found) or {str(Subject(tenant_id, what)): 0}
        self._accesses += [
            Access(self._now(), who, f"reveal {what}", subject, count) for subject, count in counts.items()
        ]
        return found

    async def erase(self, subject: str, *, who: str) -> int:
        gone = [token for token, one in self.kept.items() if str(one.subject) == subject]
        for token in gone:
            del self.kept[token]
        self._accesses.append(Access(self._now(), who, "erase", subject, len(gone)))
        return len(gone)

    async def accesses(self, tenant_id: str) -> tuple[Access, ...]:
        whose = str(Subject(tenant_id, ""))
        return tuple(one for one in self._accesses if one.subject.startswith(whose))

    async def close(self) -> None:
        """Nothing is held open."""


class InMemoryAuditLog:
    """An ``AuditLog`` in a list."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    async def record(self, entry: Entry) -> None:
        self.entries.append(entry)

    async def read(self, wanted: Wanted, *, limit: int = 100, after: str | None = None) -> EntryPage:
        mark = Mark.read(after)
        found = [one for one in reversed(self.entries) if _is_wanted(one, wanted) and one.entry_id not in mark.seen]
        found = [one for one in found if mark.value is None or one.at_ms <= mark.value]
        return page_of(sorted(found, key=lambda one: -one.at_ms)[: limit + 1], limit, mark)

    async def tenants(self) -> tuple[str, ...]:
        return tuple(sorted({one.tenant_id for one in self.entries}))

    async def before(self, tenant_id: str, at: datetime) -> Old:
        old = [one.at for one in self.entries if one.tenant_id == tenant_id and one.at < at]
        return Old(len(old), min(old, default=None))

    async def remove(self, tenant_id: str, before: datetime) -> int:
        kept = [one for one in self.entries if one.tenant_id != tenant_id or one.at >= before]
        removed = len(self.entries) - len(kept)
        self.entries = kept
        return removed

    async def close(self) -> None:
        """Nothing is held open."""


def _is_wanted(entry: Entry, wanted: Wanted) -> bool:
    return (
        entry.tenant_id == wanted.tenant_id
        and wanted.who in {None, entry.who}
        and wanted.action in {None, entry.action}
        and (wanted.call is None or wanted.call in entry.calls)
        and (wanted.customer is None or wanted.customer in entry.customers)
        and (wanted.since is None or entry.at >= wanted.since)
    )


class InMemoryWorkbench:
    """A ``Workbench`` in dictionaries."""

    def __init__(self) -> None:
        self._labels: dict[str, Label] = {}
        self._outcomes: dict[str, tuple[str, str]] = {}
        self._backtests: dict[tuple[str, str], Backtest] = {}

    async def add_labels(self, labels: Sequence[Label]) -> int:
        before = len(self._labels)
        for label in labels:
            self._labels.setdefault(label.word_id, label)
        return len(self._labels) - before

    async def take_back(self, labels: Sequence[Label]) -> int:
        return sum(self._labels.pop(label.word_id, None) is not None for label in labels)

    async def labels(self, tenant_id: str, *, call_id: str | None = None, by: str | None = None) -> tuple[Label, ...]:
        mine = (one for one in self._labels.values() if one.tenant_id == tenant_id)
        return in_order(one for one in mine if call_id in {None, one.call_id} and by in {None, one.by})

    async def outcomes(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {key: self._outcomes[key][0] for key in keys if key in self._outcomes}

    async def keep_outcome(self, key: str, outcome: str, *, subject: str) -> None:
        self._outcomes[key] = (outcome, subject)

    async def add_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        self._backtests[tenant_id, backtest.backtest_id] = backtest

    async def backtests(self, tenant_id: str, scenario: str, language: str, prompt: str) -> tuple[Backtest, ...]:
        mine = [one for (tenant, _), one in self._backtests.items() if tenant == tenant_id]
        found = [one for one in mine if (one.scenario, one.language, one.prompt) == (scenario, language, prompt)]
        return tuple(sorted(found, key=lambda one: one.finished_at, reverse=True))

    async def erase(self, subject: str) -> int:
        before = len(self._labels) + len(self._outcomes)
        self._labels = {id_: one for id_, one in self._labels.items() if one.subject != subject}
        self._outcomes = {key: one for key, one in self._outcomes.items() if one[1] != subject}
        return before - len(self._labels) - len(self._outcomes)

    async def close(self) -> None:
        """Nothing is held open."""


class KnownCustomers:
    """A ``CustomerContext`` that knows what it is told, by tenant and customer, or fails with this error."""

    def __init__(
        self, lines: Mapping[tuple[str, str], Sequence[tuple[str, str]]], error: ConvmineError | None = None
    ) -> None:
        self._lines = lines
        self._error = error
        self.asked: list[tuple[str, str]] = []

    async def of(self, tenant_id: str, customer_id: str) -> Sequence[tuple[str, str]]:
        self.asked.append((tenant_id, customer_id))
        if self._error is not None:
            raise self._error
        return self._lines.get((tenant_id, customer_id), ())

    async def close(self) -> None:
        """Nothing is held open."""


class InMemoryMeter:
    """A ``Meter`` that keeps every figure by its name and labels; one that ``pipeline.figures`` lacks is a fault."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, frozenset[tuple[str, str]]]] = Counter()
        self._values: dict[tuple[str, frozenset[tuple[str, str]]], list[float]] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        label_values(name, labels)
        self._counts[name, frozenset(labels.items())] += amount  # type: ignore[assignment]  # a Counter takes floats

    def observe(self, name: str, value: float, **labels: str) -> None:
        label_values(name, labels)
        self._values.setdefault((name, frozenset(labels.items())), []).append(value)

    def counted(self, name: str, **labels: str) -> float:
        """What a counter has come to."""
        return self._counts[name, frozenset(labels.items())]

    def observed(self, name: str, **labels: str) -> list[float]:
        """The values of a histogram, in order."""
        return self._values.get((name, frozenset(labels.items())), [])
