"""Cards over HTTP: listed, written as drafts, approved by somebody else, withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from pipeline.release.card_succession import NotYours, content_of
from pipeline.scenarios.files import ScenarioError
from pipeline.stages import CARDS, SCENARIOS
from schemas.reference import CardPublished
from workers.changing.cards import CardDesk
from workers.config_changes import ChangedMeanwhile
from workers.dashboard.workbench.bench import (
    PUBLISH,
    Bench,
    Change,
    Person,
    Place,
    page,
    person_of,
    reply,
    scenario_of,
)
from workers.dashboard.workbench.card_rows import CardList, CardRow, card_rows
from workers.dashboard.workbench.refusals import conflict, wrong_fields

_LOOK: Final = "the list of cards"
CardId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]


class CardContent(BaseModel):
    """What a person writes of a card; the server adds whose it is."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(max_length=200)] = ""
    text: Annotated[str, Field(max_length=4_000)] = ""
    trigger: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=200)] | float] = {}
    lanes: tuple[Annotated[str, Field(max_length=10)], ...] = ()
    priority: int = 50
    valid_from: Annotated[str, Field(max_length=40)] = ""
    valid_to: Annotated[str | None, Field(max_length=40)] = None
    expires_after_s: int | None = None

    def of(self, card_id: str) -> dict[str, Any]:
        """The same as a card's content, without what is not set."""
        return {"id": card_id, **self.model_dump(exclude_none=True)}


class Draft(Change):
    """A draft of a card; ``base`` is what its writer began with, and is given back where somebody was faster."""

    content: CardContent
    base: dict[str, Any] | None = None


def add_cards(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/cards`` and what is done with one."""

    @page(router, "GET", "/v1/workbench/cards", "The cards of a scenario, and how they do", CardList)
    async def list_cards(request: Request, place: Annotated[Place, Query()]) -> Response:
        tenant = person_of(request, bench).tenant
        return reply(request, await bench.in_thread(_listed, bench, tenant, place), CardList)

    @page(router, "PUT", "/v1/workbench/cards/{card}/draft", "Write a draft of a card", CardRow)
    async def write(request: Request, card: CardId, draft: Draft) -> Response:
        return await _changed(request, bench, card, draft, lambda person: _write(bench, person, card, draft))

    @page(router, "DELETE", "/v1/workbench/cards/{card}/draft", "Throw a draft away", CardRow)
    async def drop(request: Request, card: CardId, change: Annotated[Change, Query()]) -> Response:
        return await _changed(request, bench, card, change, lambda person: _drop(bench, person, card, change))

    @page(router, "POST", "/v1/workbench/cards/{card}/approve", "Have a draft shown", CardRow, scopes=PUBLISH)
    async def approve(request: Request, card: CardId, change: Change) -> Response:
        return await _changed(request, bench, card, change, lambda person: _approve(bench, person, card, change))

    @page(router, "POST", "/v1/workbench/cards/{card}/withdraw", "Show a card no more", CardRow, scopes=PUBLISH)
    async def withdraw(request: Request, card: CardId, change: Change) -> Response:
        return await _changed(request, bench, card, change, lambda person: _withdraw(bench, person, card, change))


async def _changed(
    request: Request, bench: Bench, card: str, place: Change, change: Callable[[Person], Response | None]
) -> Response:
    """The card after a change, or why there was none."""
    person = person_of(request, bench)
    try:
        refused = await bench.in_thread(change, person)
    except (NotYours, ChangedMeanwhile) as error:
        raise HTTPException(409, error.message) from error
    if refused is not None:
        return refused
    at = Place(scenario=place.scenario, language=place.language)
    rows = await bench.in_thread(_listed, bench, person.tenant, at)
    return reply(request, next((row for row in rows.items if row.card == card), None), CardRow | None)


def _listed(bench: Bench, tenant: str, place: Place) -> CardList:
    library = bench.grounds.library()
    published = bench.grounds.published(tenant, (SCENARIOS, CARDS))
    published.take_scenarios(library)
    scenario, _ = scenario_of(library, tenant, place)
    return card_rows(library, published, scenario, place.language)


@contextmanager
def _desk(bench: Bench, person: Person, place: Place) -> Iterator[CardDesk]:
    library = bench.grounds.library()
    with bench.grounds.change(person.tenant, (SCENARIOS, CARDS), look=_LOOK) as change:
        change.published.take_scenarios(library)
        scenario, edition = scenario_of(library, person.tenant, place)
        change.published.take_cards(library)
        yield CardDesk(person.tenant, scenario.id, edition, library, change, person.note)


def _write(bench: Bench, person: Person, card_id: str, draft: Draft) -> Response | None:
    with _desk(bench, person, draft) as desk:
        standing = desk.standing(card_id)
        try:
            card = desk.card(draft.content.of(card_id), card_id)
        except ScenarioError as error:
            return wrong_fields(error.complaints)
        try:
            desk.edit(standing, card, person.signature(draft.reason), seen=draft.seen)
        except NotYours as error:
            newest: CardPublished | None = standing.newest
            return conflict(
                error.message,
                version=standing.version,
                by=newest.published_by if newest else None,
                contents=(draft.base, standing.content or {}, content_of(card)),
            )
    return None


def _drop(bench: Bench, person: Person, card_id: str, change: Change) -> None:
    with _desk(bench, person, change) as desk:
        standing = desk.standing(card_id)
        if standing.draft is not None and standing.draft.written_by != person.by and not person.publishes:
            raise HTTPException(403, f"the draft is by {standing.draft.written_by}: a supervisor may throw it away")
        desk.withdraw(standing, person.signature(change.reason), seen=change.seen, only_draft=True)


def _approve(bench: Bench, person: Person, card_id: str, change: Change) -> None:
    with _desk(bench, person, change) as desk:
        standing = desk.standing(card_id)
        if standing.draft is not None and standing.draft.written_by == person.by:
            raise HTTPException(403, f"the draft is by {person.by}: somebody else must approve it")
        desk.approve(standing, person.signature(change.reason), seen=change.seen)


def _withdraw(bench: Bench, person: Person, card_id: str, change: Change) -> None:
    with _desk(bench, person, change) as desk:
        standing = desk.standing(card_id)
        if standing.shown is None:
            raise HTTPException(409, f"{standing.where} is not shown")
        desk.withdraw(standing, person.signature(change.reason), seen=change.seen)
