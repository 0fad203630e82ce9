"""The page of HTTP: every operation of the gateway by its tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from unittest.mock import MagicMock

from reference_pages.markdown import MADE, listed, page, table
from workers.gateway.app import create_app
from workers.gateway.door import SCOPES
from workers.gateway.openapi import openapi_of

Json = Mapping[str, Any]


def gateway_document() -> Json:
    """The gateway's own OpenAPI document of all that it can serve; what answers requests is never asked for."""
    unused = MagicMock()
    return openapi_of(create_app(unused, unused, streams=unused, incoming=unused, put=unused, ask_sql=unused))


def http_page(document: Json) -> str:
    """Every operation of the gateway by its tag."""
    parts = [
        "# HTTP",
        MADE.format(source="the gateway's OpenAPI document"),
        (
            "`convmine gateway` serves the document itself at `/openapi.json`. WebSockets and pages for a browser are "
            "told of in [the live call](../live.md#calls-in); OpenAPI has no words for them."
        ),
        document["info"]["description"].strip(),
    ]
    for tag in document["tags"]:
        rows = [
            (f"`{method.upper()} {path}`", operation["summary"], _inputs(operation), _scopes(operation))
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if tag["name"] in operation.get("tags", ())
        ]
        header = ("Operation", "What it does", "Takes", "Scopes, one of")
        parts += [f"## {tag['name'].capitalize()}", tag["description"], table(header, rows)]
    return page(parts)


def _inputs(operation: Json) -> str:
    """Names of parameters, those that must be there in plain, and the body's model."""
    names = [
        f"`{one['name']}`" if one.get("required") else f"*`{one['name']}`*" for one in operation.get("parameters", ())
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        model = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        names.append(f"body {model or f'`{kind}`'}")
    return ", ".join(dict.fromkeys(names))


def _scopes(operation: Json) -> str:
    return listed(operation.get(SCOPES, ())) or "no key needed"
