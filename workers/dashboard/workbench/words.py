"""Word lists over HTTP: shown, tried on stored calls, and published as a new version of their scenario."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import Field

from pipeline.audit.act import command
from pipeline.scenarios.card_editions import with_edition
from pipeline.scenarios.files import ScenarioError, validated
from pipeline.scenarios.model import Edition, Scenario, WordLists
from pipeline.stages import PROMPTS, SCENARIOS
from pipeline.store import calls
from pipeline.workbench.stored_calls import newest_calls
from pipeline.workbench.word_trial import TriedRule, try_words
from workers.changing.difference import difference
from workers.changing.scenarios import push
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
    scenario_as_pushed,
    scenario_of,
)
from workers.dashboard.workbench.refusals import conflict
from workers.gateway.problems import WrongValue, problem
from workers.gateway.replies import problem_reply

_SLICE: Final = 10
"""Calls of one answer: all their words are read, and looked through twice."""
_LIST: Final = re.compile(r"(required_phrases|forbidden_phrases|sensitive_words)(\.[a-z_0-9]+)*")
_RULES: Final = 500
_WORDINGS: Final = 2_000
_LONGEST: Final = 300

Rules = Annotated[tuple[dict[str, Any], ...], Field(max_length=_RULES)]


class Words(Place):
    """Word lists as a person has written them."""

    required_phrases: Rules = ()
    forbidden_phrases: Rules = ()
    sensitive_words: Rules = ()

    def lists(self) -> WordLists:
        """The same, checked.

        Raises:
            ScenarioError: they are not valid; each complaint names list, number and field.
        """
        found = self.model_dump(include={"required_phrases", "forbidden_phrases", "sensitive_words"})
        wordings = [one for rules in found.values() for rule in rules for one in rule.get("any_of") or ()]
        if len(wordings) > _WORDINGS or any(len(str(one)) > _LONGEST for one in wordings):
            raise ScenarioError(f": at most {_WORDINGS} wordings of {_LONGEST} characters each")
        lists = validated(WordLists, found, "")
        if empty := [
            f"{kind}.{number}.any_of: {wording!r} has no word in it"
            for kind in found
            for number, rule in enumerate(getattr(lists, kind))
            for wording in rule.any_of
            if not any(letter.isalnum() for letter in wording)
        ]:
            raise ScenarioError(*empty)
        return lists


class WordTrial(Words):
    """Lists that are tried; ``after`` goes on from the slice before."""

    after: Annotated[str | None, Field(max_length=50_000)] = None


class NewWords(Words, Change):
    """Lists that are to be published over the version of the scenario that was ``seen``."""

    base: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class WordsRow:
    """The word lists that run, in a version of the scenario; of files where ``by`` is None."""

    scenario: str
    language: str
    version: int
    by: str | None
    at: str | None
    words: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TriedCall:
    """What the lists find in one call."""

    call_id: str
    started_at: str | None
    agent: str | None
    rules: tuple[TriedRule, ...]


@dataclass(frozen=True, slots=True)
class WordsTried:
    """What the lists find in ``calls`` stored calls; those in which it is nothing are left out."""

    calls: int
    items: tuple[TriedCall, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """Lines that differ from what runs, as a unified diff."""

    version: int
    lines: tuple[str, ...]


def add_words(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/words`` and what is done with them."""

    @page(router, "GET", "/v1/workbench/words", "The word lists of a scenario", WordsRow)
    async def show(request: Request, place: Annotated[Place, Query()]) -> Response:
        tenant = person_of(request, bench).tenant
        return reply(request, await bench.in_thread(_shown, bench, tenant, place), WordsRow)

    @page(router, "POST", "/v1/workbench/words/difference", "What would change", Difference)
    async def differ(request: Request, words: Words) -> Response:
        shown = await bench.in_thread(_shown, bench, person_of(request, bench).tenant, words)
        try:
            lines = difference(shown.words, _document(words.lists()), ("runs", "yours"))
        except ScenarioError as error:
            return _wrong(error.complaints)
        return reply(request, Difference(shown.version, tuple(lines)), Difference)

    @page(router, "POST", "/v1/workbench/words/try", "What words would find in stored calls", WordsTried)
    async def try_them(request: Request, trial: WordTrial) -> Response:
        try:
            return reply(request, await _tried(request, bench, trial), WordsTried)
        except ScenarioError as error:
            return _wrong(error.complaints)


def add_publishing(router: APIRouter, bench: Bench) -> None:
    """``PUT /v1/workbench/words``."""
    what = "Publish words in a new version of the scenario"

    @page(router, "PUT", "/v1/workbench/words", what, WordsRow, scopes=PUBLISH)
    async def publish(request: Request, words: NewWords) -> Response:
        person = person_of(request, bench)
        try:
            refused = await bench.in_thread(_publish, bench, person, words)
        except ScenarioError as error:
            return _wrong(error.complaints)
        except ChangedMeanwhile as error:
            raise HTTPException(409, error.message) from error
        if refused is not None:
            return refused
        return reply(request, await bench.in_thread(_shown, bench, person.tenant, words), WordsRow)


def _wrong(complaints: Sequence[str]) -> Response:
    """422; a complaint is ``list.number.field: what``, with nothing before it where it is of the whole."""
    errors = []
    for one in complaints:
        where, _, what = one.partition(": ")
        path = where if _LIST.fullmatch(where) else ""
        detail = what if path or not where.strip() else one
        errors.append(WrongValue(detail=detail, pointer="/" + path.replace(".", "/")))
    return problem_reply(problem(422, errors[0].detail, errors=tuple(errors)))


def _shown(bench: Bench, tenant: str, place: Place) -> WordsRow:
    library = bench.grounds.library()
    published = bench.grounds.published(tenant, (SCENARIOS,))
    published.take_scenarios(library)
    scenario, edition = scenario_of(library, tenant, place)
    record = published.scenarios.get(scenario.id)
    by, at = (record.published_by, record.published_at.isoformat()) if record else (None, None)
    return WordsRow(scenario.id, edition.language, scenario.version, by, at, _document(edition.words))


def _document(lists: WordLists) -> dict[str, Any]:
    return lists.model_dump(mode="json", exclude_none=True)


async def _tried(request: Request, bench: Bench, trial: WordTrial) -> WordsTried:
    person, lists = person_of(request, bench), trial.lists()
    scenario, edition = await bench.in_thread(scenario_as_pushed, bench, person.tenant, trial)
    found = await newest_calls(bench.store, person.tenant, scenario, edition.language, size=_SLICE, after=trial.after)
    items = []
    for call in found.calls:
        said = await calls.transcript(bench.store, call["call_id"], tenant_id=person.tenant)
        outcome = call.get("outcome_inferred")
        rules = await asyncio.to_thread(try_words, said.segments, lists, edition.words, outcome)
        if rules:
            items.append(TriedCall(call["call_id"], call.get("started_at"), call.get("agent"), rules))
    place = f"{trial.scenario}:{trial.language}"
    await person.recorder.record(command("words try", calls=[one["call_id"] for one in found.calls], words=place))
    return WordsTried(len(found.calls), tuple(items), found.next)


def _publish(bench: Bench, person: Person, words: NewWords) -> Response | None:
    lists = words.lists()
    library = bench.grounds.library()
    names = library.names(person.tenant)
    loaded = library(words.scenario, person.tenant) if words.scenario in names else None
    with bench.grounds.change(person.tenant, (SCENARIOS, PROMPTS), look="the words") as change:
        change.published.take_scenarios(library)
        scenario, edition = scenario_of(library, person.tenant, words)
        theirs = _document(edition.words)
        if scenario.version != words.seen:
            record = change.published.scenarios.get(scenario.id)
            return conflict(
                f"scenario {scenario.id} is at version {scenario.version}, and not at {words.seen}",
                version=scenario.version,
                by=record.published_by if record else None,
                contents=(words.base, theirs, _document(lists)),
            )
        if lists == edition.words:
            return None
        new = _with_words(scenario, edition, lists)
        signature = person.signature(words.reason)
        place = f"{scenario.id}:{edition.language}"
        person.note(command("words publish", words=place, by=person.by, version=new.version, reason=signature.reason))
        push(change, new, loaded, by=signature.by, at=signature.at)
    return None


def _with_words(scenario: Scenario, edition: Edition, lists: WordLists) -> Scenario:
    """The next version; what else it is made of is as it runs, so that nothing of that is tried out again.

    Raises:
        ScenarioError: a card or a phrase needs a name that is gone.
    """
    changed = validated(Edition, {**dict(edition), "words": lists}, "")
    return with_edition(scenario, changed).model_copy(update={"version": scenario.version + 1})
