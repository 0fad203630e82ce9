"""The workbench of those who share a server: a collection in Qdrant that has no vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pipeline.backtest.result import Backtest
from pipeline.ids import stable_id
from pipeline.labels.label import Label, in_order
from pipeline.ports import Where
from pipeline.store.bare_collection import BareCollection, Payload
from pipeline.store.connections import Connection

if TYPE_CHECKING:
    from qdrant_client import models

COLLECTION: Final = "workbench"
_INDEXES: Final = dict.fromkeys(("kind", "tenant_id", "call_id", "by", "subject", "prompt"), "keyword")


class QdrantWorkbench:
    """A ``Workbench`` in a collection that is made at the first use; ``kind`` tells what a point is.

    Args:
        connection: how Qdrant is reached.
        prefix: goes before the collection's name.
    """

    def __init__(self, connection: Connection, *, prefix: str = "") -> None:
        self._collection = BareCollection(connection, prefix + COLLECTION, _INDEXES)

    async def add_labels(self, labels: Sequence[Label]) -> int:
        by_id = {one.word_id: one for one in reversed(labels)}
        there = await self._collection.get(list(by_id))
        new = {id_: _label_payload(one) for id_, one in by_id.items() if id_ not in there}
        await self._collection.put(new)
        return len(new)

    async def take_back(self, labels: Sequence[Label]) -> int:
        from qdrant_client import models

        there: list[models.ExtendedPointId] = list(await self._collection.get([one.word_id for one in labels]))
        if there:
            gone = models.PointIdsList(points=there)
            await self._collection.run(lambda client, name: client.delete(name, gone, wait=True))
        return len(there)

    async def labels(self, tenant_id: str, *, call_id: str | None = None, by: str | None = None) -> tuple[Label, ...]:
        said = {"tenant_id": tenant_id, "call_id": call_id, "by": by}
        found = await self._find("label", **{key: value for key, value in said.items() if value is not None})
        return in_order(Label.model_validate_json(payload["content"]) for payload in found)

    async def outcomes(self, keys: Sequence[str]) -> Mapping[str, str]:
        found = await self._collection.get([_outcome_id(key) for key in keys])
        return {payload["key"]: payload["content"] for payload in found.values()}

    async def keep_outcome(self, key: str, outcome: str, *, subject: str) -> None:
        await self._collection.put(
            {_outcome_id(key): {"kind": "outcome", "key": key, "subject": subject, "content": outcome}}
        )

    async def add_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        of = {"tenant_id": tenant_id, **backtest.model_dump(include={"scenario", "language", "prompt"})}
        payload = {"kind": "backtest", **of, "content": backtest.model_dump_json()}
        await self._collection.put({stable_id("backtest", tenant_id, backtest.backtest_id): payload})

    async def backtests(self, tenant_id: str, scenario: str, language: str, prompt: str) -> tuple[Backtest, ...]:
        of = {"tenant_id": tenant_id, "scenario": scenario, "language": language, "prompt": prompt}
        found = [Backtest.model_validate_json(payload["content"]) for payload in await self._find("backtest", **of)]
        return tuple(sorted(found, key=lambda one: one.finished_at, reverse=True))

    async def erase(self, subject: str) -> int:
        return await self._collection.remove(Where(equal={"subject": subject}))

    async def close(self) -> None:
        await self._collection.close()

    async def _find(self, kind: str, **values: str) -> list[Payload]:
        return [payload async for payload in self._collection.all(Where(equal={"kind": kind, **values}))]


def _label_payload(label: Label) -> Payload:
    of = {"tenant_id": label.tenant_id, "call_id": label.call_id, "by": label.by, "subject": label.subject}
    return {"kind": "label", **of, "content": label.model_dump_json()}


def _outcome_id(key: str) -> str:
    return stable_id("outcome", key)
