"""Which prompt a command is about: a version by its name, in a scenario and a language; and on which call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError, Poison

if TYPE_CHECKING:
    from pipeline.scenarios.library import Library
    from pipeline.scenarios.model import Edition, Scenario, Scenarios
    from pipeline.scenarios.prompt import Prompt
    from pipeline.settings import Settings
    from schemas.transcript import TranscriptCompleted

scenario_option = click.option("--scenario", help="Scenario; that of the call, or CONVMINE_EXTRACT_SCENARIO.")
language_option = click.option("--language", help="Language; that of the call, or the scenario's default.")
published_option = click.option(
    "--published", is_flag=True, help="Also what is published on Kafka, such as a version promoted elsewhere."
)
call_option = click.option(
    "--call", metavar="FILE|ID", help="The call: a JSON file, or the id of a stored one. A sample if not given."
)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A scenario in a language."""

    scenario: Scenario
    edition: Edition

    def prompt(self, label: str) -> Prompt:
        """The version of this name, such as ``extract.v2``.

        Raises:
            ConvmineError: there is none; the message says which there are.
        """
        labels = {prompt.label: prompt for prompt in self.edition.prompts}
        if (prompt := labels.get(label)) is None:
            raise ConvmineError(
                f"no prompt {label!r} in scenario {self.scenario.id} in {self.edition.language}; there are "
                f"{', '.join(sorted(labels)) or 'none'}",
                hint="convmine prompt list",
            )
        return prompt


def choose(
    settings: Settings,
    scenario: str | None,
    language: str | None,
    call: TranscriptCompleted | None = None,
    library: Scenarios | None = None,
) -> Chosen:
    """The scenario and language of the options, else those of the call, else those that are set.

    Args:
        settings: where the library lies, and the scenario of calls that name none.
        scenario: the option.
        language: the option.
        call: what the command is about, if it is about one.
        library: one that is open already.

    Raises:
        ConvmineError: there is no such scenario, or it is not there in the language of the option.
    """
    from pipeline.scenarios.load import ScenarioError
    from pipeline.scenarios.opened import load_library

    of_call = call.call.scenario if call else None
    try:
        found = (library or load_library(settings))(scenario or of_call or settings.extract.scenario, settings.tenant)
    except ScenarioError as error:
        raise ConvmineError(str(error)) from error
    check_language(found, language)
    spoken = (call.language or call.call.language) if call else None
    return Chosen(found, found.edition(language or spoken))


def check_language(scenario: Scenario, language: str | None) -> None:
    """Nothing, where a scenario has an edition for the language of an option.

    Raises:
        ConvmineError: it has none.
    """
    if language and not {language, language.partition("-")[0]} & set(scenario.editions):
        there_are = ", ".join(sorted(scenario.editions))
        raise ConvmineError(f"scenario {scenario.id} is not there in {language!r}; there are {there_are}")


def library_of(settings: Settings, *, published: bool) -> Library:
    """The scenarios of files, and over them, if wanted, what the tenant has published.

    Raises:
        Config: a file is wrong.
        ConvmineError: Kafka has no topics for it.
        Retryable: Kafka is away.
    """
    from pipeline.scenarios.opened import load_library

    library = load_library(settings)
    if published:
        from workers.edge import Edge
        from workers.published import published_in, spans_of

        edge = Edge(settings.kafka)
        found = published_in(edge.read(spans_of(edge, settings)), settings.tenant)
        found.take_scenarios(library)
        found.take_prompts(library)
    return library


def call_named(settings: Settings, name: str) -> TranscriptCompleted:
    """The call in this file, or the stored one of this id; masked.

    Raises:
        ConvmineError: there is neither, or the file is no conversation.
    """
    from pipeline.workbench.written_calls import read_call

    path = Path(name)
    if not path.is_file():
        if path.suffix == ".json" or "/" in name:
            raise ConvmineError(f"{name}: there is no such file")
        return asyncio.run(_stored(settings, name))
    try:
        return read_call(path.read_bytes(), settings.tenant)
    except Poison as error:
        raise ConvmineError(f"{name}: {error.message}", hint="docs/formats.md shows a conversation") from error
    except OSError as error:
        raise ConvmineError(f"{name} cannot be read: {error.strerror}") from error


def call_or_sample(settings: Settings, call: TranscriptCompleted | None, chosen: Chosen) -> TranscriptCompleted:
    """The call that was named, else one that ships.

    Raises:
        ConvmineError: none ships in this language.
    """
    from pipeline.workbench.written_calls import sample_call

    found = call or sample_call(chosen.scenario.id, chosen.edition.language, settings.tenant)
    if found is None:
        raise ConvmineError(
            f"no sample call ships in {chosen.edition.language!r}", hint="name a file or a stored call with --call"
        )
    return found


async def _stored(settings: Settings, call_id: str) -> TranscriptCompleted:
    from pipeline.store import calls
    from workers.cli.recording import recorded_store_of

    async with recorded_store_of(settings, "prompt", calls=(call_id,)) as store:
        return (await calls.transcript(store, call_id, tenant_id=settings.tenant)).as_event()
