"""Titles of what events name by label: steps, topics and outcomes of a scenario, in the reader's language."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from pipeline.access.principal import READERS
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Scenarios
from workers.gateway.app import Room
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.pages import AnswersTo
from workers.gateway.replies import answer_reply

_LANGUAGE: Final = r"^[a-z]{2}(-[A-Za-z0-9]{2,8})*$"


@dataclass(frozen=True, slots=True)
class Titles:
    """The title of each label; of a language that the scenario does not have, those of its default one."""

    language: str
    titles: Annotated[Mapping[str, str], Field(description="By label")]


def titles_room(scenarios: Scenarios) -> Room:
    """``GET /v1/titles/{scenario}``.

    Args:
        scenarios: of each tenant, with what it has published itself.
    """

    def add_titles(router: APIRouter, answers_to: AnswersTo) -> None:
        del answers_to  # titles are of no call

        @router.get(
            "/v1/titles/{scenario}",
            summary="What the labels of a scenario are called",
            tags=["dashboard"],
            operation_id="show_titles",
            response_class=JSONResponse,
            response_model=None,
            responses={200: {"model": Titles}, 304: {"description": "Still the same (If-None-Match)"}},
            openapi_extra={SCOPES: sorted(READERS)},
        )
        async def show_titles(
            request: Request,
            scenario: Annotated[str, Path(min_length=1, max_length=200)],
            language: Annotated[str | None, Query(max_length=40, pattern=_LANGUAGE)] = None,
        ) -> Response:
            tenant_id = principal_of(request.scope).tenant_id
            try:  # the first time it is read from files
                found = await asyncio.to_thread(scenarios, scenario, tenant_id)
            except ScenarioError as error:
                raise HTTPException(404, f"there is no scenario {scenario!r}") from error
            edition = found.edition(language)
            titles = Titles(edition.language, {found.id: edition.title, **_titles(edition)})
            return answer_reply(request, titles, Titles)

    return add_titles


def _titles(edition: Edition) -> dict[str, str]:
    taxonomy = edition.taxonomy
    return {one.name: one.title for some in (taxonomy.topics, taxonomy.outcomes, taxonomy.intents) for one in some}
