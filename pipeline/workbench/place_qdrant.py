"""The workbench of those who share a server: a collection in Qdrant that has no vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pipeline.backtest.result import Backtest
from pipeline.ids import stable_id
from pipeline.labels.label import Label, in_order
from pipeline.store.bare_collection import BareCollection
from pipeline.store.connections import Connection

if TYPE_CHECKING:
    from qdrant_client import models

COLLECTION: Final = "workbench"
_INDEXES: Final = dict.fromkeys(("kind", "tenant_id", "call_id", "by", "subject", "prompt"), "keyword")
_PAGE: Final = 1_000
_Payload = Mapping[str, Any]


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
        there = await self._get(list(by_id))
        new = {id_: _label_payload(one) for id_, one in by_id.items() if id_ not in there}
        await self._put(new)
        return len(new)

    async def take_back(self, labels: Sequence[Label]) -> int:
        from qdrant_client import models

        there: list[models.ExtendedPointId] = list(await self._get([one.word_id for one in labels]))
        if there:
            await self._delete(models.PointIdsList(points=there))
        return len(there)

    async def labels(self, tenant_id: str, *, call_id: str | None = None, by: str | None = None) -> tuple[Label, ...]:
        said = {"tenant_id": tenant_id, "call_id": call_id, "by": by}
        found = await self._find("label", **{key: value for key, value in said.items() if value is not None})
        return in_order(Label.model_validate_json(payload["content"]) for payload in found)

    async def outcomes(self, keys: Sequence[str]) -> Mapping[str, str]:
        found = await self._get([_outcome_id(key) for key in keys])
        return {payload["key"]: payload["content"] for payload in found.values()}

    async def keep_outcome(self, key: str, outcome: str, *, subject: str) -> None:
        await self._put({_outcome_id(key): {"kind": "outcome", "key": key, "subject": subject, "content": outcome}})

    async def add_backtest(self, tenant_id: str, backtest: Backtest) -> None:
        of = {"tenant_id": tenant_id, **backtest.model_dump(include={"scenario", "language", "prompt"})}
        payload = {"kind": "backtest", **of, "content": backtest.model_dump_json()}
        await self._put({stable_id("backtest", tenant_id, backtest.backtest_id): payload})

    async def backtests(self, tenant_id: str, scenario: str, language: str, prompt: str) -> tuple[Backtest, ...]:
        of = {"tenant_id": tenant_id, "scenario": scenario, "language": language, "prompt": prompt}
        found = [Backtest.model_validate_json(payload["content"]) for payload in await self._find("backtest", **of)]
        return tuple(sorted(found, key=lambda one: one.finished_at, reverse=True))

    async def erase(self, subject: str) -> int:
        from qdrant_client import models

        where = _where(subject=subject)
        counted = await self._collection.run(lambda client, name: client.count(name, where, exact=True))
        await self._delete(models.FilterSelector(filter=where))
        return counted.count

    async def close(self) -> None:
        await self._collection.close()

    async def _put(self, payloads: Mapping[str, _Payload]) -> None:
        from qdrant_client import models

        points = [models.PointStruct(id=id_, vector={}, payload=dict(one)) for id_, one in payloads.items()]
        for at in range(0, len(points), _PAGE):
            await self._upsert(points[at : at + _PAGE])

    async def _upsert(self, points: list[models.PointStruct]) -> None:
        await self._collection.run(lambda client, name: client.upsert(name, points, wait=True))

    async def _get(self, ids: Sequence[str]) -> dict[str, _Payload]:
        """The points that are there, by id."""
        found: dict[str, _Payload] = {}
        for at in range(0, len(ids), _PAGE):
            page = ids[at : at + _PAGE]
            records = await self._retrieve(page)
            found |= {str(record.id): record.payload or {} for record in records}
        return found

    async def _retrieve(self, ids: Sequence[str]) -> list[models.Record]:
        return await self._collection.run(lambda client, name: client.retrieve(name, ids, with_payload=True))

    async def _find(self, kind: str, **values: str) -> list[_Payload]:
        where = _where(kind=kind, **values)
        found: list[_Payload] = []
        after: Any = None  # what the client calls an offset: the id to go on from
        while True:
            records, after = await self._page(where, after)
            found += [record.payload or {} for record in records]
            if after is None:
                return found

    async def _page(self, where: models.Filter, after: Any) -> tuple[list[models.Record], Any]:  # noqa: ANN401 - the client's own
        return await self._collection.run(
            lambda client, name: client.scroll(name, where, limit=_PAGE, offset=after, with_payload=True)
        )

    async def _delete(self, selector: models.PointsSelector) -> None:
        await self._collection.run(lambda client, name: client.delete(name, selector, wait=True))


def _label_payload(label: Label) -> _Payload:
    of = {"tenant_id": label.tenant_id, "call_id": label.call_id, "by": label.by, "subject": label.subject}
    return {"kind": "label", **of, "content": label.model_dump_json()}


def _outcome_id(key: str) -> str:
    return stable_id("outcome", key)


def _where(**values: str) -> models.Filter:
    from qdrant_client import models

    return models.Filter(
        must=[models.FieldCondition(key=key, match=models.MatchValue(value=value)) for key, value in values.items()]
    )
