"""A prompt tried on the newest stored calls beside what runs: what each finds, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request, Response

from pipeline.audit.act import command
from pipeline.scenarios.prompt import PromptError
from pipeline.store import calls
from pipeline.workbench.side_by_side import Row, side_by_side
from pipeline.workbench.stored_calls import newest_calls
from pipeline.workbench.trial import Given, Trial, Trials
from workers.dashboard.workbench.bench import Bench, Person, page, person_of, reply
from workers.dashboard.workbench.prompt_pair import Pair, Wanted, pair_of
from workers.gateway.problems import NotServed, WrongValue, problem
from workers.gateway.replies import problem_reply

_CALLS: Final = 3
"""As much as a person reads side by side, and as a model answers while somebody waits."""


@dataclass(frozen=True, slots=True)
class TriedOn:
    """One call: a row for each thing that was found, and why a version gave no valid answer, in order of versions."""

    call_id: str
    rows: tuple[Row, ...]
    errors: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What two versions find in the newest calls; ``usd`` is what it cost, where prices are known."""

    versions: tuple[str, ...]
    items: tuple[TriedOn, ...]
    usd: float | None


def add_prompt_try(router: APIRouter, bench: Bench) -> None:
    """``POST /v1/workbench/prompts/try``."""

    @page(router, "POST", "/v1/workbench/prompts/try", "What a text finds beside what runs", Tried)
    async def try_it(request: Request, wanted: Wanted) -> Response:
        person = person_of(request, bench)
        if not bench.settings.llm.is_set:
            raise NotServed("no language model is set", hint="whoever runs it sets CONVMINE_LLM_BASE_URL")
        try:
            pair = await bench.in_thread(pair_of, bench, person.tenant, wanted)
        except PromptError as error:
            return problem_reply(problem(422, str(error), errors=(WrongValue(detail=str(error), pointer="/text"),)))
        return reply(request, await _tried(bench, person, pair), Tried)


async def _tried(bench: Bench, person: Person, pair: Pair) -> Tried:
    language = pair.edition.language
    found = await newest_calls(bench.store, person.tenant, pair.scenario, language, size=_CALLS)
    names = [call["call_id"] for call in found.calls]
    await person.recorder.record(command("prompt try", calls=names, prompt=f"{pair.scenario.id}:{pair.new.label}"))
    trials = Trials(bench.settings.model_copy(update={"tenant": person.tenant}))
    try:
        tried = [(name, await _on(bench, person, pair, trials, name)) for name in names]
    finally:
        await trials.close()
    costs = [trial.usd for _, of_call in tried for trial in of_call if trial.usd is not None]
    return Tried(
        (pair.old.label, pair.new.label),
        tuple(
            TriedOn(name, tuple(side_by_side([one.insight for one in of_call])), tuple(one.error for one in of_call))
            for name, of_call in tried
        ),
        sum(costs) if costs else None,
    )


async def _on(bench: Bench, person: Person, pair: Pair, trials: Trials, call_id: str) -> Sequence[Trial]:
    call = (await calls.transcript(bench.store, call_id, tenant_id=person.tenant)).as_event()
    given, model = Given(call, pair.scenario, pair.edition), bench.settings.llm.model
    runs = [
        asyncio.create_task(trials.run(prompt, pair.scenario.model_for(prompt) or model, given))
        for prompt in (pair.old, pair.new)
    ]
    try:
        return await asyncio.gather(*runs)
    finally:
        for run in runs:
            run.cancel()
