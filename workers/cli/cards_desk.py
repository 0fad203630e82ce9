"""What the commands that change cards share: how they are asked, and on what they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import click

from workers.cli.output import plain
from workers.cli.prompt_choice import choose
from workers.cli.prompt_desk import by_option

if TYPE_CHECKING:
    from pipeline.audit.act import Act
    from pipeline.release.succession import Signature
    from pipeline.settings import Settings
    from workers.changing.cards import CardDesk

_OPTIONS: Final = (
    click.option("--scenario", help="Scenario of the card; CONVMINE_EXTRACT_SCENARIO if not given."),
    click.option("--language", help="Language of the card; the scenario's default if not given."),
    click.option("--version", "seen", type=click.IntRange(min=0), help="The version that you have seen last."),
    by_option,
    click.option("--reason", help="Why; kept with what is published."),
)


@dataclass(frozen=True, slots=True)
class CardAsked:
    """Of which scenario and language, by whom and why; ``seen`` is the version that was looked at."""

    scenario: str | None
    language: str | None
    seen: int | None
    by: str | None
    reason: str | None

    def signature(self, *, forced: bool = False) -> Signature:
        """Who changes the card, and why."""
        from pipeline.release.succession import Signature
        from workers.os_user import os_user

        return Signature(self.by or os_user(), datetime.now(UTC), f"forced: {self.reason}" if forced else self.reason)


def asks_for_card(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command the options of ``CardAsked``, and ``asked`` as their values."""

    @wraps(command)
    def with_asked(**given: Any) -> None:  # noqa: ANN401 - the options by name
        values = {name: given.pop(name) for name in ("scenario", "language", "seen", "by", "reason")}
        command(asked=CardAsked(**values), **given)

    for option in reversed(_OPTIONS):
        with_asked = option(with_asked)
    return with_asked


@contextmanager
def card_desk(asked: CardAsked) -> Iterator[CardDesk]:
    """Begin a change.

    Raises:
        ConvmineError: there is no such scenario or language, or Kafka has no topics for it.
        Retryable: Kafka is away.
    """
    from pipeline.settings import load
    from pipeline.stages import CARDS, SCENARIOS
    from workers.changing.cards import CardDesk
    from workers.changing.on_kafka import OnKafka

    settings = load()
    grounds = OnKafka(settings)
    library = grounds.library()
    with grounds.change(settings.tenant, (SCENARIOS, CARDS), look="convmine cards list") as change:
        change.published.take_scenarios(library)
        chosen = choose(settings, asked.scenario, asked.language, library=library)
        change.published.take_cards(library)
        yield CardDesk(
            settings.tenant, chosen.scenario.id, chosen.edition, library, change, lambda act: _note(settings, act)
        )


def _note(settings: Settings, act: Act) -> None:
    from workers.cli.recording import recording

    async def note() -> None:
        async with recording(settings) as recorder:
            await recorder.record(act)

    asyncio.run(note())


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    """The lines in which two contents of a card differ, as a terminal may show them."""
    from workers.changing import difference as lines

    return [plain(line) for line in lines.difference(before, after, names)]
