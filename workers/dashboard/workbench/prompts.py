"""Prompts over HTTP: listed, checked, rendered on a call, put to work and rolled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import Field

from pipeline.audit.act import command
from pipeline.release.standing import Standing, Version
from pipeline.release.succession import promoted, rolled_back
from pipeline.scenarios.prompt import Prompt, PromptError, parse_prompt
from pipeline.stages import PROMPTS, SCENARIOS
from schemas.reference import PromptPublished
from workers.changing.prompts import PromptDesk, objection_to
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
from workers.dashboard.workbench.prompt_rows import PromptList, PromptRow, prompt_rows
from workers.gateway.problems import WrongValue, problem
from workers.gateway.replies import problem_reply

PromptId = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
File = Annotated[str, Field(min_length=1, max_length=60_000)]


class Promotion(Change):
    """A version that is to run: one that is there, by its number, or with ``text`` a new one.

    ``seen`` is the version that runs as the page knows it. With ``force`` it runs whatever its back-test says; the
    reason is then kept as forced.
    """

    version: Annotated[int, Field(ge=1)]
    text: File | None = None
    force: bool = False


class RollBack(Change):
    """Back to the version that ran before, or to this one."""

    to: Annotated[int, Field(ge=1)] | None = None


def add_prompts(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/prompts`` and which of them runs."""

    @page(router, "GET", "/v1/workbench/prompts", "The prompts of a scenario, and what runs", PromptList)
    async def list_prompts(request: Request, place: Annotated[Place, Query()]) -> Response:
        tenant = person_of(request, bench).tenant
        return reply(request, await bench.in_thread(_listed, bench, tenant, place), PromptList)

    @page(
        router, "POST", "/v1/workbench/prompts/{prompt}/promote", "Run a version from now on", PromptRow, scopes=PUBLISH
    )
    async def promote(request: Request, prompt: PromptId, wanted: Promotion) -> Response:
        if wanted.force and not (wanted.reason or "").strip():
            return _wrong("reason", "to pass over the back-test needs a reason")
        try:
            return await _changed(request, bench, prompt, wanted, lambda who: _promote(bench, who, prompt, wanted))
        except PromptError as error:
            return _wrong("text", str(error))

    @page(router, "POST", "/v1/workbench/prompts/{prompt}/rollback", "Run what ran before", PromptRow, scopes=PUBLISH)
    async def roll_back(request: Request, prompt: PromptId, wanted: RollBack) -> Response:
        return await _changed(request, bench, prompt, wanted, lambda who: _roll_back(bench, who, prompt, wanted))


def _wrong(field: str, what: str) -> Response:
    return problem_reply(problem(422, what, errors=(WrongValue(detail=what, pointer=f"/{field}"),)))


async def _changed(
    request: Request, bench: Bench, prompt: str, place: Change, change: Callable[[Person], None]
) -> Response:
    person = person_of(request, bench)
    try:
        await bench.in_thread(change, person)
    except ChangedMeanwhile as error:
        raise HTTPException(409, error.message) from error
    rows = await bench.in_thread(_listed, bench, person.tenant, place)
    return reply(request, next((row for row in rows.items if row.prompt == prompt), None), PromptRow | None)


def _listed(bench: Bench, tenant: str, place: Place) -> PromptList:
    library = bench.grounds.library()
    published = bench.grounds.published(tenant, (SCENARIOS, PROMPTS))
    published.take_scenarios(library)
    scenario, edition = scenario_of(library, tenant, place)
    return prompt_rows(scenario, edition.language, published)


@contextmanager
def _desk(bench: Bench, person: Person, place: Place) -> Iterator[PromptDesk]:
    library = bench.grounds.library()
    with bench.grounds.change(person.tenant, (SCENARIOS, PROMPTS), look="the list of prompts") as change:
        change.published.take_scenarios(library)
        scenario, edition = scenario_of(library, person.tenant, place)
        change.published.take_prompts(library)
        yield PromptDesk(person.tenant, edition.language, scenario, library, change)


def _promote(bench: Bench, person: Person, prompt: str, wanted: Promotion) -> None:
    with _desk(bench, person, wanted) as desk:
        standing = _seen(desk.standing(prompt), wanted)
        candidate = _candidate(standing, wanted)
        if standing.record is not None and standing.running.number == candidate.number:
            raise HTTPException(409, f"{candidate.label} runs already")
        settings = bench.settings.model_copy(update={"tenant": person.tenant})
        asked = objection_to(settings, standing, candidate, settings.workbench.margin)
        objection = person.wait_for(asked, "workbench")
        if objection is not None and not wanted.force:
            raise HTTPException(409, f"nothing was published: {objection}")
        reason = f"forced: {wanted.reason}" if objection is not None else wanted.reason
        _publish(desk, person, "prompt promote", promoted(standing, candidate, person.signature(reason)))


def _roll_back(bench: Bench, person: Person, prompt: str, wanted: RollBack) -> None:
    with _desk(bench, person, wanted) as desk:
        standing = _seen(desk.standing(prompt), wanted)
        record = rolled_back(standing, person.signature(wanted.reason), wanted.to)
        _publish(desk, person, "prompt rollback", record)


def _publish(desk: PromptDesk, person: Person, action: str, record: PromptPublished) -> None:
    place = f"{record.scenario}:{record.language}:{record.prompt}"
    person.note(
        command(action, prompt=place, by=record.published_by, version=record.prompt_version, reason=record.reason)
    )
    desk.publish(record)


def _seen(standing: Standing, change: Change) -> Standing:
    if standing.running.number != change.seen:
        raise HTTPException(409, f"{standing.running.label} runs by now, and not v{change.seen}")
    return standing


def _candidate(standing: Standing, wanted: Promotion) -> Version:
    """What is to run; a text must be of this prompt and of this number, and no other version's.

    Raises:
        PromptError: it is not.
    """
    if wanted.text is None:
        return standing.version(wanted.version)
    check_of(parse_prompt(wanted.text), standing.scenario, standing.language, f"{standing.prompt}.v{wanted.version}")
    known = {**standing.files, **standing.published}.get(wanted.version)
    if known is not None and known.text != wanted.text:
        raise PromptError(f"version: {known.label} is there with other content; count it up")
    return Version(standing.prompt, wanted.version, wanted.text)


def check_of(prompt: Prompt, scenario: str, language: str, label: str) -> None:
    """Nothing, where a file says that it is this version of this prompt.

    Raises:
        PromptError: it says something else.
    """
    if not prompt.is_of(scenario, language) or prompt.label != label:
        told = f"{prompt.scenario}, {prompt.language}, {prompt.label}"
        raise PromptError(f"the front matter says {told}; here it is {scenario}, {language}, {label}")
