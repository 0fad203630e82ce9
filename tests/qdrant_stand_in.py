"""A STAND-IN for a Qdrant server, for tests only: the part of its REST interface that our store uses, over local mode.

It lets several worker processes share one store where no server can be had. It has no payload indexes, keeps no
consistency promises and is slow; a real server at ``QDRANT_URL`` is what the same tests are for.

``python tests/qdrant_stand_in.py --path DIR --port N``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from qdrant_client import AsyncQdrantClient, models
from starlette.status import HTTP_400_BAD_REQUEST, HTTP_404_NOT_FOUND, HTTP_409_CONFLICT

Answer = dict[str, Any]


def stand_in(path: Path) -> FastAPI:
    """The application over the folder ``path``; it answers one request after the other."""
    app = FastAPI(title="stand-in for Qdrant")
    client = AsyncQdrantClient(path=str(path))
    _add_collections(app, client)
    _add_writes(app, client)
    _add_reads(app, client)
    app.add_exception_handler(ValueError, _refused)
    return app


def _add_collections(app: FastAPI, client: AsyncQdrantClient) -> None:
    @app.get("/")
    async def version() -> Answer:
        return (await client.info()).model_dump()

    @app.get("/readyz")
    async def ready() -> str:
        return "all shards are ready"

    @app.get("/collections")
    async def collections() -> Answer:
        return _ok(await client.get_collections())

    @app.get("/collections/{name}/exists")
    async def exists(name: str) -> Answer:
        return _ok({"exists": await client.collection_exists(name)})

    @app.get("/collections/{name}")
    async def collection(name: str) -> Answer:
        return _ok(await client.get_collection(name))

    @app.put("/collections/{name}")
    async def create(name: str, body: models.CreateCollection) -> Answer:
        made = await client.create_collection(
            name, vectors_config=body.vectors, sparse_vectors_config=body.sparse_vectors, metadata=body.metadata
        )
        return _ok(made)

    @app.delete("/collections/{name}")
    async def delete(name: str) -> Answer:
        return _ok(await client.delete_collection(name))

    @app.put("/collections/{name}/index")
    async def index(name: str) -> Answer:
        await client.get_collection(name)  # local mode has no payload indexes: only the collection must be there
        return _ok(models.UpdateResult(status=models.UpdateStatus.COMPLETED))


def _add_writes(app: FastAPI, client: AsyncQdrantClient) -> None:
    @app.put("/collections/{name}/points")
    async def upsert(name: str, body: models.PointsList) -> Answer:
        return _ok(await client.upsert(name, body.points))

    @app.post("/collections/{name}/points/delete")
    async def delete(name: str, body: models.FilterSelector | models.PointIdsList) -> Answer:
        return _ok(await client.delete(name, body))

    @app.post("/collections/{name}/points/payload")
    async def set_payload(name: str, body: models.SetPayload) -> Answer:
        return _ok(
            await client.set_payload(name, body.payload, body.points or models.FilterSelector(filter=body.filter))
        )


def _add_reads(app: FastAPI, client: AsyncQdrantClient) -> None:
    @app.post("/collections/{name}/points")
    async def retrieve(name: str, body: models.PointRequest) -> Answer:
        return _ok(await client.retrieve(name, body.ids, with_payload=body.with_payload or True))

    @app.post("/collections/{name}/points/query")
    async def query(name: str, body: models.QueryRequest) -> Answer:
        answers = await client.query_batch_points(name, [body])
        return _ok(answers[0])

    @app.post("/collections/{name}/points/scroll")
    async def scroll(name: str, body: models.ScrollRequest) -> Answer:
        points, following = await client.scroll(
            name, body.filter, limit=body.limit or 10, offset=body.offset, with_payload=body.with_payload or True
        )
        return _ok(models.ScrollResult(points=points, next_page_offset=following))

    @app.post("/collections/{name}/points/count")
    async def count(name: str, body: models.CountRequest) -> Answer:
        return _ok(await client.count(name, body.filter))

    @app.post("/collections/{name}/facet")
    async def facet(name: str, body: models.FacetRequest) -> Answer:
        return _ok(await client.facet(name, body.key, body.filter, limit=body.limit or 10))


def _ok(result: object) -> Answer:
    return {"result": jsonable_encoder(result), "status": "ok", "time": 0.0}


async def _refused(request: Request, error: Exception) -> JSONResponse:
    del request
    said = str(error)
    missing, there = said.endswith("not found"), said.endswith("already exists")
    status = HTTP_404_NOT_FOUND if missing else HTTP_409_CONFLICT if there else HTTP_400_BAD_REQUEST
    return JSONResponse({"status": {"error": said}, "time": 0.0}, status_code=status)


def main() -> None:
    """Serve on loopback until stopped; port 0 takes a free one, which the log names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--path", type=Path, required=True, help="folder of the points")
    parser.add_argument("--port", type=int, required=True)
    chosen = parser.parse_args()
    uvicorn.run(stand_in(chosen.path), host="127.0.0.1", port=chosen.port, log_level="warning")


if __name__ == "__main__":
    main()
