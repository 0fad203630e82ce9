"""``convmine plan``: what so many calls a day need, how a day goes with it, and where it breaks first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workers.cli.output import json_option, print_json

if TYPE_CHECKING:
    from pipeline.sizing.costs import Costs
    from pipeline.sizing.demand import Demand
    from pipeline.sizing.fleet import Choice

_NO_MODEL = "lexical"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--calls-per-day", required=True, type=click.FloatRange(0), help="All calls, of both lanes.")
@click.option(
    "--minutes", default=6.0, show_default=True, type=click.FloatRange(0, min_open=True), help="Mean of a call."
)
@click.option("--peak", type=click.FloatRange(1), help="The busiest hour over the mean one; else as the curve has it.")
@click.option("--live-share", default=0.3, show_default=True, type=click.FloatRange(0, 1), help="Heard live.")
@click.option("--asr", "engine", default="faster-whisper-gpu", show_default=True, help="An engine of the costs.")
@click.option("--llm", "model", default=_NO_MODEL, show_default=True, help="A model of the costs; lexical is none.")
@click.option("--costs", "path", type=_FILE, help="Costs (JSON, TOML) instead of those that ship, figure by figure.")
@click.option("--curve", type=_FILE, help="CSV of a day: hour, calls.")
@click.option("--partitions", type=click.IntRange(1), help="As many as there are; else as many as are needed.")
@click.option("--gpus", type=click.IntRange(0), help="The most GPUs a lane of speech recognition may have.")
@click.option("--llm-requests-per-minute", type=click.FloatRange(0, min_open=True), help="The account's limit.")
@click.option("--llm-tokens-per-minute", type=click.FloatRange(0, min_open=True), help="The account's limit.")
@click.option("--live-wait-s", default=2.0, show_default=True, help="What 95 % of a live stage's events may wait.")
@click.option("--batch-wait-s", default=900.0, show_default=True, help="The same of a recorded call's.")
@click.option("--fixed", is_flag=True, help="Workers are not scaled on lag: the most run all day.")
@click.option("--seed", default=0, show_default=True, help="Of the workers that fail.")
@json_option
def plan(  # noqa: PLR0913 - one argument an option
    *,
    calls_per_day: float,
    minutes: float,
    peak: float | None,
    live_share: float,
    engine: str,
    model: str,
    path: Path | None,
    curve: Path | None,
    partitions: int | None,
    gpus: int | None,
    llm_requests_per_minute: float | None,
    llm_tokens_per_minute: float | None,
    live_wait_s: float,
    batch_wait_s: float,
    fixed: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Say what so many calls a day need: partitions, workers, GPUs, tokens, money, storage.

    A day is simulated with it: calls by a curve over the day, workers that come and go with the lag and now and then
    die. Figures that nobody gave are assumptions; each is printed with its source.
    """
    from pipeline.sizing.costs import read_costs
    from pipeline.sizing.plan import plan_of
    from workers.cli.plan_shown import document, lines

    costs = read_costs(path)
    demand = _demand(calls_per_day, minutes, live_share, peak, curve)
    choice = _choice(costs, demand, engine, model, partitions, gpus)
    limits = {"requests_per_minute": llm_requests_per_minute, "tokens_per_minute": llm_tokens_per_minute}
    given = {name: value for name, value in limits.items() if value is not None}
    if given and choice.model is None:
        raise click.UsageError("limits of a model go with --llm")
    if given and choice.model is not None:
        choice = replace(choice, model=choice.model.model_copy(update=given))
    found = plan_of(choice, goals_s={"live": live_wait_s, "batch": batch_wait_s}, seed=seed, scaled=not fixed)
    if as_json:
        print_json(document(found, engine, model))
    else:
        for line in lines(found, engine, model):
            click.echo(line)


def _demand(calls: float, minutes: float, live_share: float, peak: float | None, curve: Path | None) -> Demand:
    from pipeline.sizing.demand import CALL_CENTRE, Demand, read_curve, with_peak

    shares = CALL_CENTRE if curve is None else read_curve(curve)
    return Demand(calls, minutes, live_share, shares if peak is None else with_peak(shares, peak))


def _choice(  # noqa: PLR0913, PLR0917 - what is chosen, each named
    costs: Costs, demand: Demand, engine: str, model: str, partitions: int | None, gpus: int | None
) -> Choice:
    from pipeline.sizing.fleet import Choice

    if engine not in costs.engines:
        raise click.UsageError(f"--asr {engine}: known are {', '.join(sorted(costs.engines))}")
    if model != _NO_MODEL and model not in costs.models:
        raise click.UsageError(f"--llm {model}: known are {', '.join(sorted([_NO_MODEL, *costs.models]))}")
    return Choice(demand, costs, costs.engines[engine], costs.models.get(model), partitions, gpus)
