"""What the commands that change cards share: how they are asked, and the one change that each makes."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    from pipeline.release.card_succession import CardStanding
    from pipeline.release.succession import Signature
    from pipeline.scenarios.library import Library
    from pipeline.scenarios.model import Edition
    from pipeline.settings import Settings
    from schemas.reference import CardPublished
    from workers.config_changes import Change
    from workers.records import NewRecord

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
        from workers.replays import os_user

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


@dataclass(frozen=True, slots=True)
class CardDesk:
    """The cards of a scenario in a language, while nobody else can change them; ``edition`` is that of the scenario."""

    scenario: str
    edition: Edition
    _settings: Settings
    _library: Library
    _change: Change

    @property
    def place(self) -> str:
        """What a further command about the same playbook needs."""
        return f"--scenario {self.scenario} --language {self.edition.language}"

    def standing(self, card_id: str) -> CardStanding:
        """Where a card stands."""
        from pipeline.release.card_succession import CardStanding

        published, name = self._change.published, (self.scenario, self.edition.language, card_id)
        own = next((card for card in self.edition.playbook.cards if card.id == card_id), None)
        return CardStanding(*name, own, published.cards.get(name), published.drafts.get(name))

    def check(self, record: CardPublished) -> None:
        """Nothing, where workers would take a record up.

        Raises:
            ConvmineError: they would refuse it.
        """
        from pipeline.errors import ConvmineError
        from pipeline.scenarios.files import ScenarioError

        try:
            self._library.take_card(self._settings.tenant, record)
        except ScenarioError as error:
            raise ConvmineError(
                f"nothing was published, as workers would refuse it: {error}",
                hint=f"change the draft: convmine cards edit {record.card_id} {self.place}",
            ) from error

    def publish(self, action: str, record: CardPublished, *, drop_draft: bool = False) -> None:
        """Publish a card, or a draft of it; it is in the audit log first."""
        from workers.published import card_name, card_record

        self._note(action, card_name(record), by=record.published_by, version=record.card_version, reason=record.reason)
        records = [card_record(self._settings.tenant, record)]
        self._change.publish([*records, *(self._no_draft(card_name(record)) if drop_draft else ())])

    def drop_draft(self, action: str, draft: CardPublished, by: str) -> None:
        """Take a draft away."""
        from workers.published import card_name

        self._note(action, card_name(draft), by=by, version=draft.card_version, draft=True)
        self._change.publish(self._no_draft(card_name(draft)))

    def _no_draft(self, name: tuple[str, str, str]) -> Sequence[NewRecord]:
        from workers.published import dropped_draft

        return (dropped_draft(self._settings.tenant, name),)

    def _note(self, action: str, name: tuple[str, str, str], **about: str | int | None) -> None:
        from workers.cli.recording import record

        asyncio.run(record(self._settings, action, card=":".join(name), calls=(), **about))


@contextmanager
def card_desk(asked: CardAsked) -> Iterator[CardDesk]:
    """Begin a change.

    Raises:
        ConvmineError: there is no such scenario or language, or Kafka has no topics for it.
        Retryable: Kafka is away.
    """
    from pipeline.scenarios.opened import load_library
    from pipeline.settings import load
    from pipeline.stages import CARDS, SCENARIOS
    from workers.config_changes import exclusive

    settings = load()
    library = load_library(settings)
    with exclusive(settings, (SCENARIOS, CARDS), look="convmine cards list") as change:
        change.published.take_scenarios(library)
        chosen = choose(settings, asked.scenario, asked.language, library=library)
        change.published.take_cards(library)
        yield CardDesk(chosen.scenario.id, chosen.edition, settings, library, change)


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    """The lines in which two contents of a card differ, as a unified diff of their YAML."""
    lines = difflib.unified_diff(as_text(before or {}), as_text(after), *names, n=1, lineterm="")
    return [plain(line) for line in lines]


def as_text(content: Mapping[str, Any]) -> list[str]:
    """The content of a card as lines of YAML."""
    import yaml

    if not content:
        return []
    return yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False, width=100).splitlines()
