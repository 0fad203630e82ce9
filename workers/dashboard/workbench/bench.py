"""What the pages of the workbench work with, and who asks for something on them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final, ParamSpec, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from pipeline.audit.act import Act
from pipeline.audit.recorder import Recorder
from pipeline.errors import Retryable
from pipeline.ports import VectorStore
from pipeline.release.succession import Signature
from pipeline.scenarios.files import ScenarioError
from pipeline.scenarios.library import Library
from pipeline.scenarios.model import Edition, Scenario
from pipeline.settings import Settings
from pipeline.stages import SCENARIOS
from pipeline.store.known import Unknown
from workers.changing.grounds import Grounds
from workers.gateway.auditing import Auditing
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.replies import answer_reply

P = ParamSpec("P")
T = TypeVar("T")

LOOK: Final = ("admin", "analyst", "supervisor")
"""Who may look, write drafts and try them."""
PUBLISH: Final = ("admin", "supervisor")
"""Who may approve, withdraw and publish."""
_THREADS: Final = 4
"""People who change or look at what is published at once; others wait for their turn, and nobody else for them."""
_ANSWER_S: Final = 30.0
"""Seconds that the audit log, or the place of back-tests, may take."""

Text = Annotated[str, Field(min_length=1, max_length=200)]


class Place(BaseModel):
    """Of which scenario and language something is asked."""

    model_config = ConfigDict(extra="forbid")

    scenario: Text
    language: Text


class Change(Place):
    """A change of something that was seen at this version, and why it is made."""

    seen: Annotated[int, Field(ge=0)]
    reason: Annotated[str | None, Field(max_length=500)] = None


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are published, the stored calls, and the log of who did what."""

    settings: Settings
    grounds: Grounds
    store: VectorStore
    auditing: Auditing = field(default_factory=Auditing)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    threads: ThreadPoolExecutor = field(
        default_factory=partial(ThreadPoolExecutor, _THREADS, thread_name_prefix="workbench")
    )

    async def in_thread(self, does: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What waits for the place where things are published, so that the event loop does not."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, partial(does, *args, **kwargs))


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: of which tenant, under which name their changes are kept, and what they may do."""

    tenant: str
    by: str
    roles: frozenset[str]
    recorder: Recorder
    _now: Callable[[], datetime]
    _loop: asyncio.AbstractEventLoop

    def signature(self, reason: str | None) -> Signature:
        """Their name under a change."""
        return Signature(self.by, self._now(), (reason or "").strip() or None)

    def note(self, act: Act) -> None:
        """Write into the audit log, from a thread.

        Raises:
            Retryable: it cannot be written, and must be.
        """
        self.wait_for(self.recorder.record(act), "audit")

    def wait_for(self, asked: Coroutine[Any, Any, T], dependency: str) -> T:
        """What the event loop answers, waited for in a thread.

        Raises:
            Retryable: it does not answer in time.
        """
        found = asyncio.run_coroutine_threadsafe(asked, self._loop)
        try:
            return found.result(_ANSWER_S)
        except TimeoutError as error:
            found.cancel()
            raise Retryable(f"no answer within {_ANSWER_S:g} s", dependency=dependency) from error

    @property
    def publishes(self) -> bool:
        return bool(self.roles.intersection(PUBLISH))


def person_of(request: Request, bench: Bench) -> Person:
    """Who sent a request. Two keys of one name count as one person, who cannot approve what they wrote."""
    principal = principal_of(request.scope)
    by = principal.name.strip() or principal.id
    recorder = bench.auditing.recorder(request)
    return Person(principal.tenant_id, by, principal.roles, recorder, bench.now, asyncio.get_running_loop())


def page(  # noqa: PLR0913 - a route's parts
    router: APIRouter,
    method: str,
    path: str,
    summary: str,
    model: Any,  # noqa: ANN401 - the type of the answer
    *,
    scopes: tuple[str, ...] = LOOK,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Adds a page of the workbench."""
    name = path.removeprefix("/v1/workbench/").replace("/", "_").replace("{", "").replace("}", "")
    return router.api_route(
        path,
        methods=[method],
        summary=summary,
        tags=["workbench"],
        operation_id=f"workbench_{method.lower()}_{name}",
        response_class=Response,
        response_model=None,
        responses={200: {"model": model}},
        openapi_extra={SCOPES: list(scopes)},
    )


def reply(request: Request, answer: Any, model: Any) -> Response:  # noqa: ANN401 - an answer and its type
    """An answer as JSON."""
    return answer_reply(request, answer, model)


def scenario_of(library: Library, tenant: str, place: Place) -> tuple[Scenario, Edition]:
    """The scenario and its edition in exactly this language.

    Raises:
        Unknown: there is no such scenario, or not in this language.
    """
    try:
        scenario = library(place.scenario, tenant)
    except ScenarioError as error:
        raise Unknown(str(error)) from None
    if place.language not in scenario.editions:
        raise Unknown(f"scenario {scenario.id} is not there in {place.language!r}")
    return scenario, scenario.editions[place.language]


def scenario_as_pushed(bench: Bench, tenant: str, place: Place) -> tuple[Scenario, Edition]:
    """The same, as it is in files or was pushed, without what is published of its prompts and cards. Waits."""
    library = bench.grounds.library()
    bench.grounds.published(tenant, (SCENARIOS,)).take_scenarios(library)
    return scenario_of(library, tenant, place)
