"""Who changed what, when and why: from what is published, and from the log of who did what."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from pipeline.audit.entry import Entry
from pipeline.audit.log import AuditLog, Wanted
from pipeline.stages import CARDS, PROMPTS, SCENARIOS
from schemas.reference import CardPublished, CardStatus, PromptPublished, PromptVersion
from workers.dashboard.workbench.bench import Bench, Place, page, person_of, reply
from workers.published import Published

_ACTIONS: Final = {
    "cards edit": "card",
    "cards approve": "card",
    "cards withdraw": "card",
    "words publish": "words",
    "prompt promote": "prompt",
    "prompt rollback": "prompt",
}
"""What a change is called in the log, and of what it is one; the entry names that thing in a field of this name."""
_OF_AN_ACTION: Final = 100
"""Newest entries of the log that are looked at, of each."""
_MOST: Final = 300


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One change: of a ``card``, a ``prompt`` or the ``words``; ``name`` is that of the card or prompt."""

    at: str
    by: str
    action: str
    kind: str
    name: str
    version: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class History:
    """The changes, newest first; ``logged`` is whether there is a log, without which drafts that went are not known."""

    items: tuple[ChangeRow, ...]
    logged: bool


class Sought(Place):
    """Whose history: of all, or of one card or prompt."""

    name: Annotated[str | None, Field(max_length=64)] = None


def add_history(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/history``."""

    @page(router, "GET", "/v1/workbench/history", "Who changed what, when and why", History)
    async def history(request: Request, sought: Annotated[Sought, Query()]) -> Response:
        tenant, log = person_of(request, bench).tenant, bench.auditing.log
        logged = [row async for row in _logged(log, tenant, sought)]
        topics = (SCENARIOS, CARDS, PROMPTS)
        published = await bench.in_thread(bench.grounds.published, tenant, topics)
        known = {(row.kind, row.name, row.version) for row in logged}
        rest = [row for row in _published(published, sought) if (row.kind, row.name, row.version) not in known]
        rows = [row for row in (*logged, *rest) if sought.name in {None, row.name}]
        rows.sort(key=lambda row: row.at, reverse=True)
        return reply(request, History(tuple(rows[:_MOST]), bool(logged)), History)


async def _logged(log: AuditLog, tenant: str, place: Place) -> AsyncIterator[ChangeRow]:
    for action, kind in _ACTIONS.items():
        page_of = await log.read(Wanted(tenant, action=action), limit=_OF_AN_ACTION)
        for row in _rows(page_of.items, kind, place):
            yield row


def _rows(entries: Iterable[Entry], kind: str, place: Place) -> Iterator[ChangeRow]:
    for entry in entries:
        try:
            about = json.loads(entry.about)
        except ValueError:  # cut, as it was too long
            continue
        scenario, _, rest = str(about.get(kind, "")).partition(":")
        language, _, name = rest.partition(":")
        if (scenario, language) == (place.scenario, place.language) and entry.result == "answered":
            by, draft = str(about.get("by") or entry.who), about.get("draft")
            action = "cards drop" if draft else entry.action
            yield ChangeRow(entry.at.isoformat(), by, action, kind, name, about.get("version"), about.get("reason"))


def _published(published: Published, place: Place) -> Iterator[ChangeRow]:
    here = (place.scenario, place.language)
    for name, card in (*published.cards.items(), *published.drafts.items()):
        if name[:2] == here:
            yield from _of_card(card)
    for where, prompt in published.prompts.items():
        if where[:2] == here:
            versions: tuple[PromptPublished | PromptVersion, ...] = (prompt, *prompt.earlier)
            for one in versions:
                at = one.published_at.isoformat()
                yield ChangeRow(
                    at, one.published_by, "prompt promote", "prompt", where[2], one.prompt_version, one.reason
                )
    if (scenario := published.scenarios.get(place.scenario)) is not None:
        at, version = scenario.published_at.isoformat(), scenario.scenario_version
        yield ChangeRow(at, scenario.published_by, "scenario push", "words", "", version, None)


def _of_card(card: CardPublished) -> Iterator[ChangeRow]:
    action = {CardStatus.DRAFT: "cards edit", CardStatus.APPROVED: "cards approve"}.get(card.status, "cards withdraw")
    at = card.published_at.isoformat()
    yield ChangeRow(at, card.published_by, action, "card", card.card_id, card.card_version, card.reason)
    for one in card.earlier:
        at = one.approved_at.isoformat()
        yield ChangeRow(at, one.approved_by, "cards approve", "card", card.card_id, one.card_version, one.reason)
