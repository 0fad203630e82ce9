"""What the commands that change which prompts run share: how they are asked, and the one change that each makes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NewType

import click

from pipeline.errors import ConvmineError
from workers.cli.output import plain
from workers.cli.prompt_choice import check_language

if TYPE_CHECKING:
    from pipeline.release.standing import Standing, Version
    from pipeline.release.succession import Signature
    from pipeline.scenarios.library import Library
    from pipeline.scenarios.model import Scenario
    from pipeline.settings import Settings
    from workers.changing.prompts import PromptDesk

_LONGEST_NAME: Final = 200
Named = NewType("Named", tuple[str, int])
"""A prompt's id and the number of a version."""


class VersionName(click.ParamType):
    """A version by its name, such as ``extract.v2``, as ``Named``."""

    name = "version"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Named:  # noqa: ANN401 - the signature is click's
        if (found := re.fullmatch(r"([a-z][a-z0-9_-]{0,63})\.v([1-9][0-9]{0,8})", str(value))) is None:
            self.fail(f"{value!r} is no version such as extract.v2", param, ctx)
        return Named((found[1], int(found[2])))


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which scenario and language, by whom and why; and what a promotion may pass over."""

    scenario: str | None
    language: str | None
    by: str | None
    reason: str | None
    margin: float | None = None
    force: bool = False

    def signature(self, objection: str | None = None) -> Signature:
        """Who changes what runs, and why; an objection was passed over by force."""
        from pipeline.release.succession import Signature
        from workers.os_user import os_user

        reason = self.reason if objection is None else f"forced: {self.reason}"
        return Signature(self.by or os_user(), datetime.now(UTC), reason)

    @property
    def options(self) -> str:
        """What a further command about the same prompt needs besides."""
        given = {"--scenario": self.scenario, "--language": self.language}
        return "".join(f" {option} {value}" for option, value in given.items() if value)


def _short(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """A name as records can hold it."""
    if value and len(value) > _LONGEST_NAME:
        raise click.BadParameter(f"has more than {_LONGEST_NAME} characters", ctx, param)
    return value


by_option: Final = click.option("--by", callback=_short, help="Who does it; the user of this machine if not given.")
_CHANGE: Final = (
    click.option("--scenario", help="Scenario of the prompt; CONVMINE_EXTRACT_SCENARIO if not given."),
    click.option("--language", help="Language of the prompt; the scenario's default if not given."),
    by_option,
    click.option("--reason", help="Why; kept with what is published."),
)
_PROMOTION: Final = (
    click.option(
        "--margin",
        type=click.FloatRange(0, 1),
        help="By how much the F1 of a field may be worse; CONVMINE_WORKBENCH_MARGIN if not given.",
    ),
    click.option("--force", is_flag=True, help="Whatever the back-test says; needs --reason."),
)


def asks(*, promotes: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command the options of ``Asked``, and ``asked`` as their values."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def with_asked(**given: Any) -> None:  # noqa: ANN401 - the options by name
            values = {name: given.pop(name) for name in ("scenario", "language", "by", "reason")}
            if promotes:
                values |= {name: given.pop(name) for name in ("margin", "force")}
                if values["force"] and not (values["reason"] or "").strip():
                    raise click.UsageError('--force needs a --reason "..."')
            command(asked=Asked(**values), **given)

        options = (*_CHANGE, *_PROMOTION) if promotes else _CHANGE
        for option in reversed(options):
            with_asked = option(with_asked)
        return with_asked

    return decorate


@dataclass(frozen=True, slots=True)
class Desk:
    """The prompts of a scenario in a language, while nobody else can change which of them run."""

    prompts: PromptDesk
    _asked: Asked
    _settings: Settings

    def objection(self, standing: Standing, candidate: Version) -> str | None:
        """What speaks against promoting the candidate and is passed over by force.

        Raises:
            ConvmineError: it does, and there is no force.
        """
        from workers.changing.prompts import objection_to

        if (other := standing.before(candidate)) is None:
            return None
        margin = self._settings.workbench.margin if self._asked.margin is None else self._asked.margin
        objection = asyncio.run(objection_to(self._settings, standing, candidate, margin))
        if objection is None or self._asked.force:
            return objection
        elsewhere = "" if other.number in standing.files else " --published"
        command = (
            f"convmine prompt backtest {other.label} {candidate.label} --on stored{self._asked.options}{elsewhere}"
        )
        raise ConvmineError(
            plain(f"nothing was published: {objection}"),
            hint=f'run: {command}; or pass over it with --force --reason "..."',
        )


@contextmanager
def desk(asked: Asked) -> Iterator[Desk]:
    """Begin a change.

    Raises:
        ConvmineError: there is no such scenario or language, or Kafka has no topics for it.
        Retryable: Kafka is away.
    """
    from pipeline.scenarios.opened import load_library
    from pipeline.settings import load
    from workers.changing.prompts import PromptDesk
    from workers.config_changes import exclusive

    settings = load()
    library = load_library(settings)
    with exclusive(settings) as change:
        change.published.take_scenarios(library)
        scenario = _scenario(library, asked.scenario or settings.extract.scenario, settings.tenant)
        check_language(scenario, asked.language)
        language = scenario.edition(asked.language).language
        change.published.take_prompts(library)
        yield Desk(PromptDesk(settings.tenant, language, scenario, library, change), asked, settings)


def _scenario(library: Library, name: str, tenant: str) -> Scenario:
    from pipeline.scenarios.files import ScenarioError

    try:
        return library(name, tenant)
    except ScenarioError as error:
        raise ConvmineError(str(error), hint="convmine scenario list") from error
