"""A back-test that is started from the page, goes on in the background, and is asked for until it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import structlog
from fastapi import APIRouter, HTTPException, Request, Response

from pipeline.audit.act import command
from pipeline.backtest.cases import Case
from pipeline.backtest.comparing import Side, backtest
from pipeline.backtest.result import Backtest
from pipeline.backtest.run import Version as Tested
from pipeline.backtest.stored_cases import stored_cases
from pipeline.errors import ConvmineError
from pipeline.llm.prices import Prices
from pipeline.release.promotion import why_not
from pipeline.release.standing import Version
from pipeline.scenarios.prompt import PromptError
from pipeline.settings import Settings
from pipeline.workbench.place import Workbench
from pipeline.workbench.places import open_workbench
from workers.changing.backtests import backtester
from workers.dashboard.workbench.bench import Bench, Person, page, person_of, reply
from workers.dashboard.workbench.prompt_pair import Pair, Wanted, pair_of
from workers.gateway.problems import NotServed, WrongValue, problem
from workers.gateway.replies import problem_reply

_CALLS: Final = 200
"""Stored calls of one back-test, as the command line takes them."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """A back-test; ``done`` of ``all`` extractions are there. ``objection`` is what speaks against a promotion."""

    state: Literal["none", "running", "done", "failed"] = "none"
    done: int = 0
    all: int = 0
    why: str | None = None
    result: Backtest | None = None
    objection: str | None = None


@dataclass(slots=True)
class Jobs:
    """The last back-test of each tenant; one of all runs at a time."""

    last: dict[str, Job] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


def add_backtest(router: APIRouter, bench: Bench) -> None:
    """``/v1/workbench/backtest``."""
    jobs = Jobs()

    @page(router, "GET", "/v1/workbench/backtest", "How the last back-test goes", Job)
    async def look(request: Request) -> Response:
        return reply(request, jobs.last.get(person_of(request, bench).tenant, Job()), Job)

    @page(router, "POST", "/v1/workbench/backtest", "Back-test a text against what runs", Job)
    async def begin(request: Request, wanted: Wanted) -> Response:
        person = person_of(request, bench)
        if not bench.settings.llm.is_set:
            raise NotServed("no language model is set", hint="whoever runs it sets CONVMINE_LLM_BASE_URL")
        if jobs.task is not None and not jobs.task.done():
            raise HTTPException(409, "another back-test is running")
        try:
            pair = await bench.in_thread(pair_of, bench, person.tenant, wanted)
        except PromptError as error:
            return problem_reply(problem(422, str(error), errors=(WrongValue(detail=str(error), pointer="/text"),)))
        place = f"{wanted.scenario}:{wanted.language}:{pair.new.id}"
        await person.recorder.record(command("prompt backtest", prompt=place, by=person.by, version=pair.new.version))
        jobs.last[person.tenant] = Job("running")
        jobs.task = asyncio.create_task(_run(bench, jobs, person, pair))
        return reply(request, jobs.last[person.tenant], Job)


async def _run(bench: Bench, jobs: Jobs, person: Person, pair: Pair) -> None:
    settings = bench.settings.model_copy(update={"tenant": person.tenant})
    try:
        workbench = open_workbench(settings)
        try:
            jobs.last[person.tenant] = await _backtested(bench, settings, workbench, jobs, pair)
        finally:
            await workbench.close()
    except ConvmineError as error:
        jobs.last[person.tenant] = Job("failed", why=error.message)
    except Exception:
        log.exception("a back-test broke")
        jobs.last[person.tenant] = Job("failed", why="a fault of ours; the log says more")
    except asyncio.CancelledError:
        jobs.last[person.tenant] = Job("failed", why="the server was stopped")
        raise


async def _backtested(bench: Bench, settings: Settings, workbench: Workbench, jobs: Jobs, pair: Pair) -> Job:
    tenant = settings.tenant
    found = await stored_cases(
        bench.store,
        workbench,
        tenant_id=tenant,
        scenario=pair.scenario,
        edition=pair.edition,
        since=None,
        limit=_CALLS,
    )
    cases: Sequence[Case] = found.cases
    jobs.last[tenant] = Job("running", all=2 * len(cases))

    def told(counts: Mapping[str, int]) -> None:
        jobs.last[tenant] = replace(jobs.last[tenant], done=sum(counts.values()))

    versions = [Tested.of(pair.scenario, pair.edition, one, settings.llm.model) for one in (pair.old, pair.new)]
    runs = backtester(settings, pair.scenario, workbench, settings.runtime.in_flight)
    ran = await runs.run(cases, versions, told)
    a, b = (Side(version, ran.outcomes[version.prompt.label]) for version in versions)
    result = await asyncio.to_thread(
        backtest,
        cases,
        a,
        b,
        on="stored",
        tenant_id=tenant,
        prices=Prices(settings.budget.prices),
        finished_at=bench.now(),
    )
    await workbench.add_backtest(tenant, result)
    new, old = (Version(one.id, one.version, one.text) for one in (pair.new, pair.old))
    objection = why_not(new, old, [result], settings.workbench.margin)
    return Job("done", 2 * len(cases), 2 * len(cases), result=result, objection=objection)
