"""The pages that only operations ask: how far stages are, costs, knowledge, dead letters and their replay."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from pipeline.audit.act import command
from pipeline.llm.costs import Cost, costs_by, unpriced_models
from pipeline.llm.usage import UsageLedger
from workers.dashboard.operations.course import Course, Watch
from workers.dashboard.operations.knowledge import KnowledgeHits, KnowledgeWatch
from workers.dashboard.operations.letters import (
    Letters,
    Original,
    newest,
    of_tenant,
    one_of_tenant,
    original_of,
)
from workers.dashboard.operations.plant import Plant
from workers.dead_letters import Wanted
from workers.gateway.auditing import Auditing
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.pages import AnswersTo
from workers.gateway.parameters import asked_since
from workers.gateway.replies import answer_reply

_MAY_LOOK: Final = ("admin", "supervisor")
_MAY_REPLAY: Final = ("admin",)
"""Originals hold what was said, and a replay changes what is stored."""
_AT_ONCE: Final = 200
"""Letters of one replay: they are read one by one."""
_Limit = Annotated[int, Field(ge=1, le=1_000)]
_Since = Annotated[str, Field(max_length=40, description="A time ago such as 7d, or a date")]


@dataclass(frozen=True, slots=True)
class Operations:
    """What the pages are made of; ``home`` is the tenant that letters are of which name none."""

    plant: Plant
    watch: Watch
    ledger: UsageLedger
    knowledge: KnowledgeWatch
    auditing: Auditing
    home: str


@dataclass(frozen=True, slots=True)
class Costs:
    """What language models cost, added up; ``unpriced`` are models whose price is not known."""

    items: tuple[Cost, ...]
    unpriced: tuple[str, ...]


class SoughtLetters(BaseModel):
    """Which dead letters; what is not given does not matter."""

    model_config = ConfigDict(extra="forbid")

    stage: Annotated[str | None, Field(max_length=40)] = None
    lane: Literal["batch", "live"] | None = None
    contains: Annotated[str | None, Field(max_length=200)] = None
    call: Annotated[str | None, Field(max_length=200)] = None
    since: _Since = "30d"
    limit: _Limit = 100


class ReplayAsked(BaseModel):
    """Which dead letters to publish again, by their names; ``again`` those, too, that were before."""

    model_config = ConfigDict(extra="forbid")

    names: Annotated[tuple[Annotated[str, Field(max_length=300)], ...], Field(min_length=1, max_length=_AT_ONCE)]
    again: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one letter: ``replayed``, ``skipped`` or ``refused``, and why."""

    name: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplayedLetters:
    """What became of all that were asked for."""

    items: tuple[Replayed, ...]


def add_operations(router: APIRouter, operations: Operations, answers_to: AnswersTo) -> None:
    """All pages under ``/v1/operations``."""
    del answers_to
    _add_course(router, operations)
    _add_costs(router, operations)
    _add_knowledge(router, operations)
    _add_letters(router, operations)
    _add_replay(router, operations)


def _add_course(router: APIRouter, operations: Operations) -> None:
    @router.get("/v1/operations/stages", **_page("How far each stage is", "list_progress", Course))
    async def stages(request: Request) -> Response:
        return answer_reply(request, await operations.watch.course(), Course)


def _add_costs(router: APIRouter, operations: Operations) -> None:
    @router.get("/v1/operations/cost", **_page("What language models cost", "list_costs", Costs))
    async def cost(
        request: Request,
        by: Literal["scenario", "prompt", "model", "day", "stage"] = "scenario",
        since: _Since = "30d",
    ) -> Response:
        first: date = asked_since(since).date()
        rows = await operations.ledger.read(principal_of(request.scope).tenant_id, first)
        return answer_reply(request, Costs(tuple(costs_by(rows, by)), tuple(unpriced_models(rows))), Costs)


def _add_knowledge(router: APIRouter, operations: Operations) -> None:
    @router.get(
        "/v1/operations/knowledge/{scenario}",
        **_page("How well the knowledge base answers what customers ask", "count_knowledge_hits", KnowledgeHits),
    )
    async def knowledge(request: Request, scenario: Annotated[str, Path(max_length=200)]) -> Response:
        found = await operations.knowledge.hits(principal_of(request.scope).tenant_id, scenario)
        return answer_reply(request, found, KnowledgeHits)


def _add_letters(router: APIRouter, operations: Operations) -> None:
    plant, home = operations.plant, operations.home

    @router.get("/v1/operations/dead-letters", **_page("What could not be handled", "list_dead_letters", Letters))
    async def letters(request: Request, sought: Annotated[SoughtLetters, Query()]) -> Response:
        wanted = Wanted(
            stage=sought.stage,
            lane=sought.lane,
            contains=sought.contains,
            call_id=sought.call,
            since=asked_since(sought.since),
        )
        known = await of_tenant(plant, principal_of(request.scope), wanted, home)
        return answer_reply(request, newest(known, sought.limit), Letters)

    @router.get(
        "/v1/operations/dead-letters/{name}",
        **_page("What could not be handled, as it was", "show_dead_letter", Original, _MAY_REPLAY),
    )
    async def letter(request: Request, name: Annotated[str, Path(max_length=300)]) -> Response:
        known, record = await one_of_tenant(plant, principal_of(request.scope), name, home)
        call = known[0].call_id
        act = command("dead letter show", letter=name, calls=(call,) if call else ())
        await operations.auditing.recorder(request).record(act)
        return answer_reply(request, original_of(known, record), Original)


def _add_replay(router: APIRouter, operations: Operations) -> None:
    @router.post(
        "/v1/operations/dead-letters/replay",
        **_page("Publish dead letters again", "replay_dead_letters", ReplayedLetters, _MAY_REPLAY),
    )
    async def replay(request: Request, asked: ReplayAsked) -> Response:
        principal, names = principal_of(request.scope), tuple(dict.fromkeys(asked.names))
        for name in names:
            await one_of_tenant(operations.plant, principal, name, operations.home)
        await operations.auditing.recorder(request).record(
            command("dead letter replay", letters=len(names), first=names[0], calls=())
        )
        by = principal.name or principal.id
        outcomes = await operations.plant.replay(names, by=by, again=asked.again)
        items = tuple(Replayed(one.letter.name, one.state, one.reason) for one in outcomes)
        return answer_reply(request, ReplayedLetters(items), ReplayedLetters)


def _page(summary: str, operation: str, answers: Any, scopes: tuple[str, ...] = _MAY_LOOK) -> dict[str, Any]:  # noqa: ANN401 - a type
    return {
        "summary": summary,
        "tags": ["operations"],
        "operation_id": operation,
        "response_class": JSONResponse,
        "response_model": None,
        "responses": {200: {"model": answers}},
        "openapi_extra": {SCOPES: sorted(scopes)},
    }
