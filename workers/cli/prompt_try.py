"""``convmine prompt try``: versions of a prompt on models, side by side on one call, or on every call of a batch."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

import click

from pipeline.errors import ConvmineError, Poison, Retryable
from pipeline.moments import clock
from workers.cli.output import json_option, print_json, print_table
from workers.cli.prompt_choice import (
    Chosen,
    call_named,
    call_option,
    call_or_sample,
    choose,
    language_option,
    library_of,
    published_option,
    scenario_option,
)

if TYPE_CHECKING:
    from pipeline.scenarios.prompt import Prompt
    from pipeline.settings import Settings
    from pipeline.workbench.trial import Given, Trial
    from pipeline.workbench.written_calls import WrittenCall


@dataclass(frozen=True, slots=True)
class _Job:
    """One version on one model and one call; ``name`` is what the call's results are told apart by."""

    name: str
    given: Given
    prompt: Prompt
    model: str


@click.command("try")
@click.argument("prompts", nargs=-1, required=True)
@click.option(
    "--model", "models", multiple=True, help="A model of the server; may repeat. That of the prompt if not set."
)
@call_option
@click.option("--on", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="JSON lines with calls.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="With --on: where the results go.")
@scenario_option
@language_option
@published_option
@json_option
def try_prompts(  # noqa: PLR0913 - one argument an option
    *,
    prompts: tuple[str, ...],
    models: tuple[str, ...],
    call: str | None,
    on: Path | None,
    out: Path | None,
    scenario: str | None,
    language: str | None,
    published: bool,
    as_json: bool,
) -> None:
    """Mine a call with each of the versions PROMPTS on each model, and show what came of it side by side.

    The server, its budget, its pace and the kept answers are those that workers have; the lexical extractor never
    answers instead. With --on every call of a batch is mined, and the results go to --out, a line each.
    """
    from pipeline.settings import load
    from pipeline.workbench.trial import Given

    if (on is None) != (out is None) or (on is not None and call is not None):
        raise click.UsageError("give --call, or --on with --out, or none of them", click.get_current_context())
    settings = load()
    library = library_of(settings, published=published)
    candidates = _Candidates(prompts, models)
    if on is None or out is None:
        named = call_named(settings, call) if call else None
        chosen = choose(settings, scenario, language, named, library)
        transcript = call_or_sample(settings, named, chosen)
        given = Given(transcript, chosen.scenario, chosen.edition)
        trials = asyncio.run(_collected(settings, list(_jobs(candidates, chosen, "", given, settings))))
        _show(transcript.call_id, trials, as_json=as_json)
        return
    jobs: list[_Job] = []
    for row in _batch(on):
        transcript = row.transcript(settings.tenant)
        chosen = choose(settings, scenario, language, transcript, library)
        given = Given(transcript, chosen.scenario, chosen.edition, row.parameters)
        jobs += _jobs(candidates, chosen, row.name, given, settings)
    if not jobs:
        raise ConvmineError(f"{on} holds no call")
    with _opened(out) as file:
        trials = asyncio.run(_collected(settings, jobs, file))
    _report(trials, out, as_json=as_json)


class _Candidates(NamedTuple):
    """The versions by their names, and the models; none is the model of each version."""

    labels: Sequence[str]
    models: Sequence[str]


def _jobs(candidates: _Candidates, chosen: Chosen, name: str, given: Given, settings: Settings) -> Iterator[_Job]:
    """One for each version and model, once it is clear that its prompt can be sent."""
    from pipeline.extract.prompting import EXTRACT_PROMPT
    from pipeline.scenarios.prompt import PromptError
    from pipeline.workbench.trial import MINED_WITH

    for label in dict.fromkeys(candidates.labels):
        prompt = chosen.prompt(label)
        if prompt.id not in MINED_WITH:
            raise ConvmineError(f"no call is mined with {label}: those that are, are {', '.join(MINED_WITH)}")
        try:
            if prompt.id == EXTRACT_PROMPT:
                given.messages(prompt)
        except PromptError as error:
            raise ConvmineError(str(error)) from error
        own = chosen.scenario.model_for(prompt) or settings.llm.model
        for model in dict.fromkeys(candidates.models or (own,)):
            yield _Job(name, given, prompt, model)


def _batch(path: Path) -> Iterator[WrittenCall]:
    from pipeline.workbench.written_calls import read_batch

    try:
        with path.open(encoding="utf-8-sig") as lines:
            yield from read_batch(lines)
    except Poison as error:
        raise ConvmineError(f"{path}, {error.message}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConvmineError(f"{path} cannot be read: {error}") from error


def _opened(out: Path) -> TextIO:
    try:
        return out.open("w", encoding="utf-8")
    except OSError as error:
        raise ConvmineError(f"{out} cannot be written: {error.strerror}") from error


async def _collected(settings: Settings, jobs: Sequence[_Job], file: TextIO | None = None) -> list[Trial]:
    """What came of all jobs, in their order; written line by line as far as it is there, where there is a file."""
    from pipeline.workbench.trial import Trials

    trials = Trials(settings)
    at_once, failed = asyncio.Semaphore(settings.runtime.in_flight), asyncio.Event()

    async def done(job: _Job) -> Trial:
        async with at_once:
            if failed.is_set():
                raise asyncio.CancelledError  # it was never begun
            try:
                return await trials.run(job.prompt, job.model, job.given)
            except BaseException:
                failed.set()
                raise

    tasks = [asyncio.create_task(done(job)) for job in jobs]
    found: list[Trial] = []
    try:
        for job, task in zip(jobs, tasks, strict=True):
            found.append(await task)
            if file is not None:
                file.write(json.dumps(_line(job, found[-1]), ensure_ascii=False) + "\n")
    except Retryable as error:
        hint = "what was answered is kept: run it again and it goes on"
        raise ConvmineError(error.message, hint=f"{error.hint}; {hint}" if error.hint else hint) from error
    finally:
        failed.set()
        await asyncio.gather(*tasks, return_exceptions=True)  # what is under way is paid for, and will be kept
        await trials.close()
    return found


def _line(job: _Job, trial: Trial) -> dict[str, Any]:
    given = job.given
    facts = {"id": job.name, "call_id": given.call.call_id, "parameters": dict(given.parameters)}
    return facts | _document(trial) | {"transcript": given.call.model_dump(mode="json")}


def _document(trial: Trial) -> dict[str, Any]:
    return {
        "prompt": trial.prompt,
        "digest": trial.digest,
        "model": trial.model,
        "valid": trial.insight is not None,
        "error": trial.error,
        "reasks": trial.reasks,
        "dropped_ungrounded": trial.dropped_ungrounded,
        "seconds": trial.seconds,
        "input_tokens": trial.input_tokens,
        "output_tokens": trial.output_tokens,
        "usd": trial.usd,
        "insight": trial.insight and trial.insight.model_dump(mode="json"),
    }


def _show(call_id: str, trials: Sequence[Trial], *, as_json: bool) -> None:
    from pipeline.workbench.side_by_side import side_by_side

    if as_json:
        print_json({"call_id": call_id, "results": [_document(trial) for trial in trials]})
        return
    rows: list[Sequence[object]] = []
    field = None
    for row in side_by_side([trial.insight for trial in trials]):
        shown = "" if row.field == field else row.field
        field = row.field
        rows.append((shown, "" if row.at_ms is None else clock(row.at_ms), *(cell or "-" for cell in row.cells)))
    rows += [(name, "", *(cell(trial) for trial in trials)) for name, cell in _FIGURES.items()]
    print_table(("field", "at", *(f"{trial.prompt} {trial.model}" for trial in trials)), rows, title=f"call {call_id}")
    if any(trial.prompt.startswith("summary.") and trial.is_of_one_piece for trial in trials):
        click.echo("the prompt summary was not sent: it is for calls that are read in several chunks", err=True)


_FIGURES: Final[Mapping[str, Callable[[Trial], object]]] = {
    "valid": lambda trial: "yes" if trial.insight else f"no: {trial.error}",
    "re-asks": lambda trial: trial.reasks,
    "dropped": lambda trial: trial.dropped_ungrounded,
    "seconds": lambda trial: "kept" if trial.seconds is None else f"{trial.seconds:.2f}",
    "tokens": lambda trial: f"{trial.input_tokens} + {trial.output_tokens}",
    "USD": lambda trial: "not known" if trial.usd is None else f"{trial.usd:.6f}",
}


def _report(trials: Sequence[Trial], out: Path, *, as_json: bool) -> None:
    together: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        together.setdefault((trial.prompt, trial.model), []).append(trial)
    rows = [_sums(label, model, of) for (label, model), of in together.items()]
    if as_json:
        print_json({"out": str(out), "results": rows})
        return
    print_table(
        list(rows[0]) if rows else [], [["not known" if one is None else one for one in row.values()] for row in rows]
    )
    click.echo(f"wrote {len(trials)} results to {out}")


def _sums(label: str, model: str, trials: Sequence[Trial]) -> dict[str, Any]:
    costs = [trial.usd for trial in trials if trial.usd is not None]
    return {
        "prompt": label,
        "model": model,
        "calls": len(trials),
        "valid": sum(trial.insight is not None for trial in trials),
        "reasks": sum(trial.reasks for trial in trials),
        "kept": sum(trial.seconds is None for trial in trials),
        "input_tokens": sum(trial.input_tokens for trial in trials),
        "output_tokens": sum(trial.output_tokens for trial in trials),
        "usd": round(sum(costs), 6) if len(costs) == len(trials) else None,
    }
