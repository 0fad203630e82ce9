"""``convmine discover --accept``: a scenario with clusters as intents, in a folder for a person to check."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from pipeline.discovery.clusters import Cluster, Clusters
    from pipeline.discovery.proposal import Proposed
    from pipeline.scenarios.model import Edition, Scenario, Side
    from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be accepted, as the options have it; ``seen`` is the mark of the clusters that were shown."""

    clusters: Sequence[int]
    scenario: str | None
    role: str
    at: Path
    seen: str | None = None
    name: str | None = None
    topic: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where the scenario lies that has the proposals, and the intents that were added, by their clusters.

    ``lacking`` are the scenario's other languages, in which the intents are not.
    """

    folder: str
    scenario: str
    version: int
    language: str
    intents: dict[int, str]
    lacking: tuple[str, ...] = ()


def accepted(settings: Settings, found: Clusters, wanted: Wanted) -> Accepted:
    """Write the proposals.

    Raises:
        click.UsageError: there is no such cluster, or an option is missing.
        ConvmineError: the clusters are others than those that were shown, or nothing can be written.
    """
    from pipeline.discovery.proposal import proposed_files

    if wanted.seen is not None and wanted.seen != found.seen:
        raise ConvmineError(
            f"the clusters are not those of {wanted.seen} any more: other utterances are there now",
            hint="look at them again: the same command without --accept",
        )
    chosen = [_cluster(found, number) for number in dict.fromkeys(wanted.clusters)]
    if wanted.role == "both":
        raise click.UsageError("--accept needs --role customer or --role agent: whose intent is it?")
    name = wanted.scenario or _scenario_of(chosen)
    folder = wanted.at / name
    place, scenario = _source(name, folder, settings)
    language = wanted.language or scenario.default_language
    if language not in scenario.editions:
        raise click.UsageError(f"{name} is not there in {language!r}; it is in {', '.join(scenario.editions)}")
    proposed = asyncio.run(_proposed(settings, chosen, scenario.editions[language], wanted))
    is_first = place != folder  # what was proposed before is in the next version already
    _write(folder, proposed_files(place, scenario, language, proposed, raise_version=is_first))
    intents = {one.cluster.id: one.intent.name for one in proposed}
    others = tuple(one for one in scenario.editions if one != language)
    return Accepted(str(folder), scenario.id, scenario.version + is_first, language, intents, others)


def _cluster(found: Clusters, number: int) -> Cluster:
    if number > len(found.clusters):
        raise click.UsageError(f"there is no cluster {number}; there are {len(found.clusters)}")
    return found.clusters[number - 1]


def _scenario_of(chosen: Sequence[Cluster]) -> str:
    names = sorted({name for cluster in chosen for name in cluster.scenarios})
    if len(names) == 1:
        return names[0]
    raise click.UsageError(
        "--accept needs --scenario: to whose taxonomy?" + (f" ({', '.join(names)})" if names else "")
    )


def _source(name: str, folder: Path, settings: Settings) -> tuple[Traversable, Scenario]:
    """Where the scenario is read: what was proposed before, one's own, or one that ships."""
    from pipeline.scenarios.load import ScenarioError, load_scenario, shipped, shipped_folder

    own = settings.scenarios.path
    try:
        for place in (folder, *([] if own is None else [own / name])):
            if (place / "scenario.yaml").is_file():
                return place, load_scenario(place)
        return shipped_folder(name), shipped(name)
    except ScenarioError as error:
        raise ConvmineError(f"--scenario {name}: {error}") from error


async def _proposed(settings: Settings, chosen: Sequence[Cluster], edition: Edition, wanted: Wanted) -> list[Proposed]:
    from pipeline.discovery.proposal import CannotBeProposed, proposed_intent
    from pipeline.store.open import embedder_of
    from schemas.wire import Role

    role: Side = Role.AGENT if wanted.role == "agent" else Role.CUSTOMER
    embedder = embedder_of(settings)
    try:
        found = [
            await proposed_intent(one, edition, embedder, role=role, name=wanted.name, topic=wanted.topic)
            for one in chosen
        ]
    finally:
        await embedder.close()
    names = [one.intent.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise CannotBeProposed(
            f"two clusters would be called {twice}", hint="accept one of them at a time, with --name"
        )
    return found


def _write(folder: Path, files: Mapping[str, str]) -> None:
    from pipeline.scenarios.load import ScenarioError, load_scenario

    try:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
        load_scenario(folder)
    except ScenarioError as error:
        raise ConvmineError(f"{folder} is not valid: {error}", hint=f"convmine scenario validate {folder}") from error
    except OSError as error:
        raise ConvmineError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
