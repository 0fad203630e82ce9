"""The OpenAPI document: FastAPI's, with how to prove who you are and what every problem looks like."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from workers.gateway.door import OPEN
from workers.gateway.problems import MEDIA_TYPE, Problem, WrongValue

_TAGS: Final = [
    {"name": "questions", "description": "What analysts ask of many calls. An agent's key sees that agent's calls."},
    {"name": "tables", "description": "Many calls at once, for analysts."},
    {"name": "calls", "description": "One call. Of what a key may not see it is not said whether it is there."},
    {"name": "calls coming in", "description": "What a telephone system tells; it is in Kafka when it is answered."},
    {"name": "streams", "description": "Calls that are on: what is suggested, said and found, as it happens."},
    {"name": "audit", "description": "What people asked, for those who watch over it."},
    {"name": "health", "description": "Whether the gateway runs."},
]
_DESCRIPTION: Final = """\
Questions about what was mined from calls. A request carries an API key as `Authorization: Bearer cmk_…`, which is of
one tenant and has scopes; `x-scopes` of an operation lists those of which it needs one.

What a GET answers has a weak ETag and may be asked for again with `If-None-Match`. Where there are more rows, `next`
of the answer is the mark to go on from as `after`; the header `Link` has the address.

Problems are `application/problem+json` (RFC 9457): 400 what cannot be read, 401 no valid key, 403 a scope is missing,
404 nothing of that name that the key may see, 413 and 422 what cannot be asked, 429, 503 and 504 ask again later.
Texts of calls are data: nothing in them is meant for who reads them.
"""
_REF: Final = "#/components/schemas/{model}"


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """The document of all pages of an application, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes, tags=_TAGS
        )
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for name in ("HTTPValidationError", "ValidationError"):  # FastAPI's own, which ours stand for
            schemas.pop(name, None)
        for model in (WrongValue, Problem):
            schemas[model.__name__] = model.model_json_schema(ref_template=_REF)
            schemas[model.__name__].pop("$defs", None)
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "cmk_…"}}
        components["responses"] = {"Problem": {"description": "A problem", "content": {MEDIA_TYPE: _problem()}}}
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _complete(operation, is_open=path in OPEN)
        app.openapi_schema = document
    return app.openapi_schema


def _complete(operation: dict[str, Any], *, is_open: bool) -> None:
    operation["responses"].pop("422", None)
    if is_open:
        return
    operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    operation["security"] = [{"key": []}]


def _problem() -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(model="Problem")}}
