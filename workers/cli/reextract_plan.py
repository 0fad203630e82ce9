"""What ``convmine reextract`` is asked for, and what that comes to: which run, which calls, and what it may cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError

if TYPE_CHECKING:
    from pipeline.history.estimating import Estimate
    from pipeline.history.run import Run, Scope
    from pipeline.history.stored_calls import ListedCall
    from pipeline.history.versions import Versions
    from pipeline.ports import VectorStore
    from pipeline.scenarios.library import Library
    from pipeline.scenarios.model import Scenarios
    from pipeline.settings import Settings
    from pipeline.store.generations.applying import Installation


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command was asked for; ``since`` and ``until`` as they were written."""

    since: str | None
    until: str | None
    scenario: str | None
    language: str | None
    calls: tuple[str, ...]
    prompt: str | None

    @property
    def words(self) -> str:
        """The options; empty where none was given."""
        named = {"since": self.since, "until": self.until, "scenario": self.scenario, "language": self.language}
        options = [f"--{name} {value}" for name, value in {**named, "prompt": self.prompt}.items() if value]
        return " ".join([*options, *(f"--call {call}" for call in sorted(self.calls))])

    def scope(self, tenant_id: str, now: datetime) -> Scope:
        """The calls that are meant.

        Raises:
            UsageError: a time cannot be read.
        """
        from pipeline.history.run import Scope

        until = self._instant("until", self.until, now) or now
        return Scope(
            tenant_id=tenant_id,
            since=self._instant("since", self.since, now),
            until=until,
            scenario=self.scenario,
            language=self.language,
            calls=tuple(sorted(set(self.calls))),
        )

    def _instant(self, option: str, said: str | None, now: datetime) -> datetime | None:
        from pipeline.questions.condition import parse_since

        try:
            return None if said is None else parse_since(said, now)
        except ValueError as error:
            raise click.UsageError(f"--{option}: {error}", click.get_current_context()) from error


@dataclass(frozen=True, slots=True)
class Plan:
    """The run that is begun or gone on with, its calls that are still to be mined, and what that takes at most."""

    run: Run
    scenarios: Scenarios
    pending: int
    estimate: Estimate


async def planned(to: Installation, settings: Settings, library: Library, asked: Asked) -> Plan:
    """What is to be done; nothing is written yet.

    Raises:
        UsageError: the options do not say what to do.
        ConvmineError: there is no such call or version, or another run stands in the way.
    """
    from pipeline.history.estimating import estimate
    from pipeline.history.pinned import Pinned, digests
    from pipeline.history.settling import redone_calls
    from pipeline.history.versions import find
    from pipeline.llm.ledgers import open_ledger
    from pipeline.store.qdrant import QdrantStore

    store = QdrantStore(to.connection, to.embedder, prefix=to.prefix, layout=to.layout)
    await store.prepare()
    versions = await find(to)
    run = _run(asked, settings, versions)
    listed = await _listed(store, run.scope)
    redone = dict[str, int]()
    if versions is not None and all(pair.new for pair in versions.pairs.values()):
        redone = await redone_calls(versions.side(to, "new"), run)
    scenarios: Scenarios = library if run.prompt is None else Pinned(library, run.prompt)
    found = {}
    if run.prompt is not None:
        spoken = {(one.scenario, one.language) for one in listed}
        found = digests(library, settings.extract.scenario, settings.tenant, run.prompt, spoken)
    run = _checked(run, found, settings)
    pending = [one for one in listed if one.call_id not in redone]
    ledger = open_ledger(settings)
    try:
        used = await ledger.read(settings.tenant, date.min)
    finally:
        await ledger.close()
    need = await estimate(store, pending, settings, scenarios, used)
    return Plan(run, scenarios, len(pending), need)


def _run(asked: Asked, settings: Settings, versions: Versions | None) -> Run:
    """The run that was begun, if this is about it; else a new one."""
    from pipeline.history.run import Run
    from pipeline.ids import stable_id

    words = asked.words
    if versions is not None:
        return _begun(versions, words, settings)
    context = click.get_current_context()
    if not (asked.since or asked.calls):
        raise click.UsageError("say which calls: --since TIME or --call ID", context)
    extractor = settings.extract.extractor
    if (extractor == "llm") != (asked.prompt is not None):
        told = "--prompt VERSION is missing" if extractor == "llm" else "the lexical extractor has no prompt"
        hint = "" if extractor == "llm" else ": leave it out, or set CONVMINE_EXTRACT_EXTRACTOR=llm"
        raise click.UsageError(told + hint, context)
    now = datetime.now(UTC)
    return Run(
        run_id=stable_id("reextraction", settings.tenant, words, now.isoformat()),
        scope=asked.scope(settings.tenant, now),
        asked=words,
        prompt=asked.prompt,
        extractor=extractor,
        digests={},
        began_at=now,
    )


async def _listed(store: VectorStore, scope: Scope) -> Sequence[ListedCall]:
    """The calls in scope.

    Raises:
        Unknown: a call that was named is not stored.
        ConvmineError: there is no call.
    """
    from pipeline.history.stored_calls import calls_in
    from pipeline.store.collections import CALLS
    from pipeline.store.filters import of_tenant
    from pipeline.store.known import Named, check_known

    listed = await calls_in(store, scope)
    for missing in sorted(set(scope.calls) - {one.call_id for one in listed}):
        await check_known(store, of_tenant(scope.tenant_id), Named("call", CALLS, "call_id", missing))
        raise ConvmineError(f"call {missing!r} goes on, or the other options leave it out")
    if not listed:
        raise ConvmineError("no such call is stored", hint="convmine calls list shows what is")
    return listed


def refuse_others(versions: Versions, settings: Settings) -> None:
    """Nothing, where the run is of the tenant of the settings; nobody else is told of it, or ends it.

    Raises:
        ConvmineError: it is another tenant's.
    """
    if versions.run.scope.tenant_id != settings.tenant:
        raise ConvmineError(
            "another tenant's calls are being mined again, and there is one re-extraction at a time",
            hint="it is gone on with, switched to or dropped where CONVMINE_TENANT names that tenant",
        )


def _begun(versions: Versions, words: str, settings: Settings) -> Run:
    """The run that was begun.

    Raises:
        ConvmineError: this is about another one, or it cannot be gone on with.
    """
    refuse_others(versions, settings)
    run = versions.run
    if versions.state not in {"half built", "built"} or versions.turned:
        raise ConvmineError(
            f"the versions before and after {run.title} are both kept",
            hint="convmine reextract drop ends that, and then the next can begin",
        )
    if words and words != run.asked:
        raise ConvmineError(
            f"{run.title} ({run.asked}) is {versions.state}, and there is one at a time",
            hint="convmine reextract goes on with it, convmine reextract drop gives it up",
        )
    return run


def _checked(run: Run, found: dict[str, str], settings: Settings) -> Run:
    """The run with what its prompts are.

    Raises:
        ConvmineError: it was begun with others, or with another extractor.
    """
    changed = [name for name, digest in run.digests.items() if found.get(name, digest) != digest]
    if changed or run.extractor != settings.extract.extractor:
        what = f"{run.prompt} of {', '.join(changed)}" if changed else "CONVMINE_EXTRACT_EXTRACTOR"
        raise ConvmineError(
            f"{what} has changed since {run.title} was begun",
            hint="convmine reextract drop gives it up, and it can be begun anew",
        )
    return run.model_copy(update={"digests": {**found, **run.digests}})
