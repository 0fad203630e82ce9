"""A card tried on stored calls, a slice at a time: where it would have been shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from pydantic import Field

from pipeline.audit.act import command
from pipeline.release.card_check import fitting
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.model import Card, Scenario
from pipeline.workbench.card_trial import TriedCard, try_card
from pipeline.workbench.stored_calls import newest_calls
from workers.dashboard.workbench.bench import Bench, Place, page, person_of, reply, scenario_as_pushed
from workers.dashboard.workbench.cards import CardContent, CardId
from workers.dashboard.workbench.refusals import wrong_fields

_SLICE: Final = 25
"""Calls of one answer: some hundredths of a second each on a local store."""


class CardTrial(Place):
    """What is tried; ``after`` goes on from the slice before."""

    content: CardContent
    after: Annotated[str | None, Field(max_length=50_000)] = None


@dataclass(frozen=True, slots=True)
class CardTried:
    """Where it would have been shown among ``calls`` stored calls, newest first; ``next`` goes on, None at the end."""

    calls: int
    items: tuple[TriedCard, ...]
    next: str | None


def add_card_try(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/cards/{card}/try``."""

    @page(router, "POST", "/v1/workbench/cards/{card}/try", "Where a card would have been shown", CardTried)
    async def try_it(request: Request, card: CardId, trial: CardTrial) -> Response:
        person = person_of(request, bench)
        try:
            scenario, tried = await bench.in_thread(_card, bench, person.tenant, card, trial)
        except ScenarioError as error:
            return wrong_fields(error.complaints)
        found = await newest_calls(bench.store, person.tenant, scenario, trial.language, size=_SLICE, after=trial.after)
        fits = [await try_card(bench.store, person.tenant, call, tried) for call in found.calls]
        shown = tuple(one for one in fits if one is not None)
        place = f"{trial.scenario}:{trial.language}:{card}"
        await person.recorder.record(command("cards try", calls=[one.call_id for one in shown], card=place))
        return reply(request, CardTried(len(found.calls), shown, found.next), CardTried)


def _card(bench: Bench, tenant: str, card_id: str, trial: CardTrial) -> tuple[Scenario, Card]:
    scenario, edition = scenario_as_pushed(bench, tenant, trial)
    return scenario, fitting(trial.content.of(card_id), card_id, edition)
