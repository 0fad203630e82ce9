"""The pages for who takes many calls at once: SQL, and whole tables as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from pipeline.access.principal import ANALYSTS
from pipeline.audit.act import command
from pipeline.export.files import Narrowed, row_pages
from pipeline.export.sql import SqlAnswer
from pipeline.export.text_forms import WRITERS, csv_header
from pipeline.questions.asker import Asker
from pipeline.questions.fields import Of
from pipeline.questions.question import Rows
from workers.gateway.auditing import Auditing
from workers.gateway.door import SCOPES, asker_of
from workers.gateway.pages import AnswersTo
from workers.gateway.parameters import asked, parameters_of, sign
from workers.gateway.problems import NotServed
from workers.gateway.replies import answer_reply

AskSql = Callable[[Asker, str, int | None], Awaitable[SqlAnswer]]
"""Answers a statement about the asker's tenant, with so many rows at most."""
Form = Literal["csv", "jsonl"]

_PAGE = 2_000
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class Statement(BaseModel):
    """One statement that reads, in the SQL of DuckDB."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"statement": "SELECT intent, count(*) FROM intents GROUP BY 1"}]},
    )

    statement: Annotated[str, Field(min_length=1, max_length=100_000)]
    limit: Annotated[int | None, Field(ge=1, description="The most rows; the gateway has a limit of its own")] = None


def add_sql(router: APIRouter, ask_sql: AskSql | None, auditing: Auditing) -> None:
    """``POST /v1/sql``, over the tables of the key's tenant alone."""

    @router.post(
        "/v1/sql",
        summary="SQL over calls, utterances, intents, suggestions and costs",
        tags=["tables"],
        operation_id="sql",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": SqlAnswer}},
        openapi_extra={SCOPES: sorted(ANALYSTS)},
    )
    async def sql(request: Request, said: Statement) -> Response:
        if ask_sql is None:
            raise NotServed("this gateway answers no SQL", hint="ask with /v1/questions")
        asking = partial(ask_sql, asker_of(request), said.statement, said.limit)
        answer = await auditing.recorder(request).around(command("sql", statement=said.statement), asking)
        return answer_reply(request, answer, SqlAnswer)


def add_export(router: APIRouter, answers_to: AnswersTo, auditing: Auditing) -> None:
    """``GET /v1/export/{rows}``: all rows of a table that match, as they are read.

    Where that fails on its way the connection is cut; the command ``convmine export`` goes on where it was.
    """
    in_query = parameters_of(Rows, frozenset({"of", "limit", "after"}), form=(Form, "csv"))

    async def export(request: Request, *, rows: Of, query: BaseModel) -> Response:
        given = {name: getattr(query, name) for name in query.model_fields_set - {"form"}}
        question = asked(Rows, {**given, "of": rows})
        form: str = query.form  # type: ignore[attr-defined]  # the model is made above
        narrowed = Narrowed(question.where, question.outcomes).pinned(datetime.now(UTC))
        taken = command("export", form=query.form, tables=[rows], where=[*map(str, question.where)])  # type: ignore[attr-defined]  # the model is made above
        await auditing.recorder(request).record(taken)
        pages = row_pages(answers_to(request), rows, narrowed, _PAGE)(None)
        first = await anext(pages)  # what is wrong with the request is said before there is a response

        async def written() -> AsyncIterator[str]:
            write = WRITERS[form]
            yield csv_header(first.columns) if form == "csv" else ""
            yield write(first.columns, first.rows)
            async for page in pages:
                yield write(page.columns, page.rows)

        named = {"Content-Disposition": f'attachment; filename="{rows}.{form}"', "Cache-Control": "no-store"}
        return StreamingResponse(written(), media_type=_TYPES[form], headers=named)

    sign(export, rows=Of, query=Annotated[in_query, Query()])
    router.add_api_route(
        "/v1/export/{rows}",
        export,
        methods=["GET"],
        summary="All rows of a table that match, as CSV or JSON Lines",
        tags=["tables"],
        operation_id="export",
        response_class=StreamingResponse,
        response_model=None,
        responses={
            200: {"content": {type_.partition(";")[0]: {"schema": {"type": "string"}} for type_ in _TYPES.values()}}
        },
        openapi_extra={SCOPES: sorted(ANALYSTS)},
    )
