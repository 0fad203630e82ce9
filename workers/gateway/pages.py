"""The pages on which questions are asked: one that takes them all, and one for each as its table has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic import Field as Checked

from pipeline.access.principal import ANALYSTS, READERS
from pipeline.questions import question as q
from pipeline.questions.answering import KINDS, Answers
from pipeline.questions.asker import Asker
from pipeline.questions.condition import parse_condition
from pipeline.questions.question import Question
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.parameters import asked, parameters_of, sign
from workers.gateway.replies import answer_reply

AnswersFor = Callable[[Asker], Answers]
"""Who answers somebody's questions."""
AnswersTo = Callable[[Request], Answers]
"""Who answers the question of a request, as whoever sent it may see."""
Endpoint = Callable[..., Awaitable[Response]]

_FROM_CUSTOMERS: Final = (parse_condition("role=customer"),)
_WON: Final = (parse_condition("outcome=won"),)
_LOST: Final = (parse_condition("outcome=lost"),)


@dataclass(frozen=True, slots=True)
class Page:
    """A question by GET: its path, what it is for, one as an example, and the fields that the path decides."""

    path: str
    summary: str
    example: Question
    fixed: dict[str, str] = field(default_factory=dict)
    tag: str = "questions"


PAGES: Final = (
    Page(
        "/v1/search",
        "What was said, by meaning and by word",
        q.Search(text="worried about price", where=_FROM_CUSTOMERS),
    ),
    Page("/v1/intents", "Extracted intents", q.Query(of="intents", where=_FROM_CUSTOMERS), {"of": "intents"}),
    Page("/v1/utterances", "Utterances", q.Query(of="utterances", where=_FROM_CUSTOMERS), {"of": "utterances"}),
    Page("/v1/suggestions", "Suggestions, and what became of them", q.Query(of="suggestions"), {"of": "suggestions"}),
    Page("/v1/calls", "Calls", q.Query(of="calls", sort="-started", where=_LOST), {"of": "calls"}),
    Page("/v1/aggregate", "Counts, shares, win rates or handle times", q.Aggregate(by=("intent",))),
    Page("/v1/compare", "In what two sets of calls differ", q.Compare(a=_WON, b=_LOST)),
    Page("/v1/trend", "What is rising and what is falling", q.Trend(by="intent")),
    Page("/v1/similar/{call:path}", "The calls that are most like one", q.Similar(call="call-1")),
    Page("/v1/coach/{agent:path}", "An agent beside the best of the team", q.Coach(agent="ann")),
    Page("/v1/flow/{scenario:path}", "How the calls of a scenario go, step by step", q.Flow(scenario="telecom")),
    Page("/v1/calls/{call:path}/transcript", "The words of a call", q.ReadTranscript(call="call-1"), tag="calls"),
    Page("/v1/calls/{call:path}", "Everything that is stored of a call", q.ShowCall(call="call-1"), tag="calls"),
)
"""In the order in which paths are matched."""


def add_question_pages(router: APIRouter, answers_to: AnswersTo) -> None:
    """All pages on which questions are asked."""
    _add_any(router, answers_to)
    for page in PAGES:
        router.add_api_route(
            page.path,
            _endpoint(page, answers_to),
            methods=["GET"],
            summary=page.summary,
            tags=[page.tag],
            operation_id=_operation(page),
            response_class=JSONResponse,
            response_model=None,
            responses={200: {"model": _answers(page.example)}, 304: {"description": "Still the same (If-None-Match)"}},
            openapi_extra={SCOPES: sorted(READERS)},
        )


def _add_any(router: APIRouter, answers_to: AnswersTo) -> None:
    examples = {page.path: {"summary": page.summary, "value": _written(page.example)} for page in PAGES}
    body = Annotated[Question, Checked(discriminator="kind"), Body(openapi_examples=examples)]

    async def ask_any(request: Request, question: Any) -> Response:  # noqa: ANN401 - its type stands in the signature
        return await _answered(request, question, answers_to)

    sign(ask_any, question=body)
    router.add_api_route(
        "/v1/questions",
        ask_any,
        methods=["POST"],
        summary="Any question, by its kind",
        tags=["questions"],
        operation_id="ask_any",
        response_class=JSONResponse,
        response_model=None,
        responses={
            200: {"model": reduce(or_, dict.fromkeys(map(_answers, [*(page.example for page in PAGES), q.Rows()])))}
        },
        openapi_extra={SCOPES: sorted(READERS)},
    )


def _endpoint(page: Page, answers_to: AnswersTo) -> Endpoint:
    """A function with the parameters that the page's path and query have."""
    kind = type(page.example)
    in_path = [name for name in kind.model_fields if f"{{{name}:path}}" in page.path]
    in_query = parameters_of(kind, frozenset({*in_path, *page.fixed}))

    async def endpoint(request: Request, *, query: BaseModel, **path: str) -> Response:
        given = {name: getattr(query, name) for name in query.model_fields_set}
        return await _answered(request, asked(kind, {**given, **path, **page.fixed}), answers_to)

    sign(endpoint, query=Annotated[in_query, Query()], **dict.fromkeys(in_path, Annotated[str, Path()]))
    return endpoint


async def _answered(request: Request, question: Question, answers_to: AnswersTo) -> Response:
    if isinstance(question, q.Rows) and not principal_of(request.scope).roles & ANALYSTS:
        raise HTTPException(403, f"whole rows need a key with one of the scopes {', '.join(sorted(ANALYSTS))}")
    answer = await answers_to(request).answer(question)
    return answer_reply(request, answer, _answers(question))


def _answers(question: Question) -> Any:  # noqa: ANN401 - a type
    return KINDS[type(question)].answers(question)


def _operation(page: Page) -> str:
    """The name of the operation for generated clients: ``list_calls``, ``search``."""
    return f"list_{page.fixed['of']}" if page.fixed else {"call": "show_call"}.get(page.example.kind, page.example.kind)


def _written(question: Question) -> dict[str, Any]:
    """A question as people would write it: what is not said is the default."""
    return {"kind": question.kind, **question.model_dump(mode="json", exclude_defaults=True)}
