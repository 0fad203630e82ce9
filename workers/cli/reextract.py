"""``convmine reextract``: stored calls mined again, beside what is there."""

from __future__ import annotations

import asyncio
import dataclasses
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.progress import stage_bars
from workers.cli.prompt_choice import published_option
from workers.cli.reextract_plan import Asked, Plan, planned
from workers.cli.reextract_versions import compare_versions, drop_version, roll_back_version, switch_version

if TYPE_CHECKING:
    from pipeline.extract.findings import IntentExtractor
    from pipeline.history.building import Built
    from pipeline.history.estimating import Estimate
    from pipeline.history.extracting import Reextraction
    from pipeline.history.versions import Side
    from pipeline.settings import Settings
    from pipeline.store.generations.applying import Installation

_AT_ONCE: Final = 64
"""Calls at a time: the language model's own limits, and the pace that is set for it, hold them back."""
_SHOWN: Final = 10


@click.group("reextract", invoke_without_command=True)
@click.option("--since", metavar="TIME", help="Calls begun since then: 7d, 12h, or a date.")
@click.option("--until", metavar="TIME", help="Calls begun before then; now, if not given.")
@click.option("--scenario", help="Calls of this scenario.")
@click.option("--language", help="Calls in this language.")
@click.option("--call", "calls", multiple=True, metavar="ID", help="This call; may repeat.")
@click.option("--prompt", help="The version to mine with, such as extract.v2; the lexical extractor has none.")
@published_option
@click.option("--dry-run", is_flag=True, help="Only say how many calls, tokens and dollars it would be.")
@click.option("--yes", is_flag=True, help="Do not ask, though it costs money.")
@click.option("--at-once", type=click.IntRange(1, 1_000), default=_AT_ONCE, show_default=True, help="Calls at a time.")
@json_option
@click.pass_context
def reextract(  # noqa: PLR0913 - one argument an option
    context: click.Context,
    *,
    since: str | None,
    until: str | None,
    scenario: str | None,
    language: str | None,
    calls: tuple[str, ...],
    prompt: str | None,
    published: bool,
    dry_run: bool,
    yes: bool,
    at_once: int,
    as_json: bool,
) -> None:
    """Mine stored calls again, with another version of the prompt, beside what is there; nothing is heard again.

    What it costs is estimated first. Questions see nothing of it before convmine reextract switch; until the old
    version is dropped, convmine reextract roll-back goes back to it. A run that was broken off goes on when it is asked
    for again, with the same options or with none, and pays for no call twice.
    """
    if context.invoked_subcommand is not None:
        return
    asked = Asked(since, until, scenario, language, calls, prompt)
    asyncio.run(_Command(asked, published, dry_run, yes, at_once, as_json).run())


reextract.add_command(compare_versions)
reextract.add_command(switch_version)
reextract.add_command(roll_back_version)
reextract.add_command(drop_version)


@dataclass(frozen=True, slots=True)
class _Command:
    """One run of the command."""

    asked: Asked
    published: bool
    dry_run: bool
    yes: bool
    at_once: int
    as_json: bool

    async def run(self) -> None:
        from pipeline.settings import load
        from workers.cli.reextract_versions import installation

        settings = _alone(load())
        from workers.cli.prompt_choice import library_of

        library = await asyncio.to_thread(library_of, settings, published=self.published)
        with stage_bars(quiet=self.as_json or not sys.stderr.isatty()) as tell:
            async with installation(settings, tell) as to:
                plan = await planned(to, settings, library, self.asked)
                if not self._agreed(plan):
                    return
                built = await self._build(to, settings, plan)
        self._print_built(built)

    def _agreed(self, plan: Plan) -> bool:
        """Whether to go on: the estimate is shown, and where money is spent, or may be, a person says so."""
        need = plan.estimate
        if self.dry_run and self.as_json:
            print_json({"asked": plan.run.asked, "estimate": dataclasses.asdict(need)})
        elif not self.as_json:
            _print_estimate(plan)
        if self.dry_run or not need.requests or need.usd == 0 or self.yes:
            return not self.dry_run
        if self.as_json or not sys.stdin.isatty():
            says = "what it costs is not known" if need.usd is None else f"it may cost about {need.usd:,.2f} USD"
            raise ConvmineError(says, hint="--dry-run shows the estimate, --yes agrees to it")
        return click.confirm("Go on?", err=True)

    async def _build(self, to: Installation, settings: Settings, plan: Plan) -> Built:
        from pipeline.extract.registry import build_extractor
        from pipeline.history.building import build

        extractor = await asyncio.to_thread(build_extractor, settings, plan.scenarios)
        try:
            return await build(to, plan.run, self._making(settings, plan, extractor))
        finally:
            await extractor.close()

    def _making(
        self, settings: Settings, plan: Plan, extractor: IntentExtractor
    ) -> Callable[[Side, Side, Callable[[str], Awaitable[None]]], Reextraction]:
        from pipeline.history.extracting import Reextraction
        from pipeline.store.coalesced import Coalescing
        from pipeline.store.stage import build as index
        from workers.outcomes import RetryPolicy

        def make(old: Side, new: Side, done: Callable[[str], Awaitable[None]]) -> Reextraction:
            return Reextraction(
                tenant_id=settings.tenant,
                stored=old.store,
                index=index(store=Coalescing(new.store)),
                done=done,
                extractor=extractor,
                scenarios=plan.scenarios,
                default_scenario=settings.extract.scenario,
                delay_s=RetryPolicy(settings.runtime.backoff_s, settings.runtime.backoff_max_s).delay,
                at_once=self.at_once,
            )

        return make

    def _print_built(self, built: Built) -> None:
        run = built.versions.run
        if self.as_json:
            failed = [{"call_id": call_id, "reason": reason} for call_id, reason in built.failed]
            counts = {
                "calls": built.calls,
                "mined_again": built.redone,
                "now": built.now,
                "wordless": built.wordless,
                "failed": failed,
            }
            print_json({"run_id": run.run_id, "asked": run.asked, "state": built.versions.state, **counts})
            return
        click.echo(f"{run.title}: {built.redone:,} of {built.calls:,} calls are mined again, {built.now:,} of them now")
        if built.wordless:
            click.echo(f"{built.wordless:,} have no words to mine, and stay as they are")
        if built.failed:
            click.echo(f"{len(built.failed):,} gave no valid answer, and stay as they are:")
            print_table(("call", "why"), built.failed[:_SHOWN])
        click.echo("Questions see the old version still. To see what changes: convmine reextract compare")
        click.echo("To make the new one current: convmine reextract switch")


def _alone(settings: Settings) -> Settings:
    """Nobody answers instead of the model: a call without an answer stays as it was."""
    extract = settings.extract.model_copy(update={"fall_back": (), "check_share": 0.0})
    return settings.model_copy(update={"extract": extract})


def _print_estimate(plan: Plan) -> None:
    need: Estimate = plan.estimate
    figures: dict[str, Any] = {"calls to mine": f"{plan.pending:,}"}
    if need.requests:
        usd = "not known: set CONVMINE_BUDGET_PRICES" if need.usd is None else f"{need.usd:,.4f}"
        figures |= {
            "requests, about": f"{need.requests:,}",
            "tokens in, about": f"{need.input_tokens:,}",
            "tokens out, about": f"{need.output_tokens:,}",
            "US dollars, at most about": usd,
        }
    else:
        figures["US dollars"] = "0"
    click.echo(plain(f"{plan.run.title}: {plan.run.asked}"))
    print_table(("figure", "estimate"), list(figures.items()))
    if need.read < need.calls and need.requests:
        click.echo(f"estimated from {need.read:,} of the calls; answers that are kept cost nothing")
