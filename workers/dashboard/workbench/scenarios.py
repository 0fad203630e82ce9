"""The scenarios of a tenant, with the names that cards and words may use."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.model import Edition, Scenario
from pipeline.stages import SCENARIOS
from workers.dashboard.workbench.bench import Bench, page, person_of, reply


@dataclass(frozen=True, slots=True)
class NameRow:
    """A name and its title."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class EditionRow:
    """A language of a scenario; the names are what a trigger, or a slot of a text, may say."""

    language: str
    title: str
    intents: tuple[NameRow, ...]
    topics: tuple[NameRow, ...]
    outcomes: tuple[NameRow, ...]
    required_phrases: tuple[NameRow, ...]
    entities: tuple[NameRow, ...]


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """A scenario; ``default`` is the language of calls that name none."""

    scenario: str
    version: int
    default: str
    editions: tuple[EditionRow, ...]


@dataclass(frozen=True, slots=True)
class ScenarioList:
    """The scenarios of a tenant; ``first`` is the one of the settings, ``has_model`` whether prompts can be tried."""

    items: tuple[ScenarioRow, ...]
    first: str
    has_model: bool


def add_scenarios(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/scenarios``."""

    @page(router, "GET", "/v1/workbench/scenarios", "The scenarios, and the names in them", ScenarioList)
    async def list_scenarios(request: Request) -> Response:
        tenant = person_of(request, bench).tenant
        return reply(request, await bench.in_thread(_listed, bench, tenant), ScenarioList)


def _listed(bench: Bench, tenant: str) -> ScenarioList:
    library = bench.grounds.library()
    bench.grounds.published(tenant, (SCENARIOS,)).take_scenarios(library)
    found = []
    for name in library.names(tenant):
        try:
            found.append(_row(library(name, tenant)))
        except ScenarioError:  # a folder that is broken is no reason to show none
            continue
    return ScenarioList(tuple(found), bench.settings.extract.scenario, bench.settings.llm.is_set)


def _row(scenario: Scenario) -> ScenarioRow:
    editions = tuple(_edition(one) for one in scenario.editions.values())
    return ScenarioRow(scenario.id, scenario.version, scenario.default_language, editions)


def _edition(edition: Edition) -> EditionRow:
    names = edition.taxonomy
    return EditionRow(
        edition.language,
        edition.title,
        tuple(NameRow(one.name, one.title) for one in names.intents),
        tuple(NameRow(one.name, one.title) for one in names.topics),
        tuple(NameRow(one.name, one.title) for one in names.outcomes),
        tuple(NameRow(one.name, one.title) for one in edition.words.required_phrases),
        tuple(NameRow(one.name, one.title) for one in names.entities),
    )
