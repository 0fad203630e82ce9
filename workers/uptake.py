"""What is published of scenarios, prompts and cards, taken up into a library; what is not valid changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog

from pipeline.errors import Poison
from pipeline.figures import CONFIG_REFUSED
from pipeline.ports import Meter
from pipeline.scenarios.card_editions import Name
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.stages import CARDS, PROMPTS, SCENARIOS
from pipeline.store.card_statistics import STATISTICS
from schemas.reference import (
    CardStatistics,
    PromptPublished,
    RefusedConfig,
    ScenarioPublished,
)
from workers.published import DRAFT, Configuration, key_of
from workers.records import Record, read_event

CONFIG_TOPICS: Final = (SCENARIOS, PROMPTS, CARDS)
"""In the order in which they are taken up: a prompt and a card need their scenario."""
_KINDS: Final[Mapping[str, str]] = {SCENARIOS: "scenario", PROMPTS: "prompt", CARDS: "card"}
_FORMS: Final[Mapping[str, str]] = {
    SCENARIOS: "TENANT:SCENARIO",
    PROMPTS: "TENANT:SCENARIO:LANGUAGE:PROMPT",
    CARDS: "TENANT:SCENARIO:LANGUAGE:CARD",
}
"""The form of a key; that of a card's draft, or of its figures, has one part more."""
_PARTS_OF_CARD: Final = 4
_TENANT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_KEY: Final = 200
"""Characters of the name that a refused record is told by."""
_LONGEST_REASON: Final = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Key:
    """What a record is about: a scenario of a tenant, or a prompt or card of it (``name``: language and id).

    ``beside`` is what stands beside a card: its draft, or its figures.
    """

    tenant_id: str
    scenario: str
    name: tuple[str, ...] = ()
    beside: str = ""

    @property
    def within_tenant(self) -> str:
        return ":".join((self.scenario, *self.name, *filter(None, (self.beside,))))

    def __str__(self) -> str:
        return f"{self.tenant_id}:{self.within_tenant}"

    def is_of_scenario(self, other: _Key) -> bool:
        return (self.tenant_id, self.scenario) == (other.tenant_id, other.scenario)


@dataclass(frozen=True, slots=True)
class _Refused:
    key: _Key
    record: Record
    reason: str


class Uptake:
    """Applies records to a library, each as it comes.

    A record that is refused is tried again whenever its scenario changes: a prompt may come before its scenario, and a
    scenario before the prompts that fit it. It is told as refused until another of its key is taken up. So is a card
    that a later scenario has no place for: the scenario is taken up without it. Drafts of cards are passed over.
    """

    def __init__(self, library: Library, meter: Meter) -> None:
        self._library = library
        self._meter = meter
        self._refused: dict[tuple[str, str], _Refused] = {}
        self._left_out: dict[tuple[str, str], Mapping[Name, str]] = {}

    def take_all(self, records: Iterable[Record]) -> None:
        """Take what the topics hold at start: every scenario, then every prompt, then every card.

        Of a card's figures, which are published often, the last alone are looked at.
        """
        ending = f":{STATISTICS}".encode()
        figures: dict[bytes | None, Record] = {}
        others: list[Record] = []
        for record in records:
            if record.topic == CARDS and (record.key or b"").endswith(ending):
                figures[record.key] = record
            else:
                others.append(record)
        for record in (*sorted(others, key=lambda one: CONFIG_TOPICS.index(one.topic)), *figures.values()):
            self.take(record)

    def take(self, record: Record) -> bool:
        """Take one record of ``CONFIG_TOPICS``; never raises.

        Returns:
            whether that may have changed what runs, or what is refused.
        """
        try:
            key = _key_of(record)
        except Poison as error:
            self._tell_refused(record.topic, repr((record.key or b"")[:_LONGEST_KEY]), error.message)
            return False
        if key.beside == DRAFT:
            return False
        if (reason := self._why_not(key, record)) is not None:
            self._refused[record.topic, str(key)] = _Refused(key, record, reason)
            self._tell_refused(record.topic, str(key), reason)
            return True
        was_refused = self._refused.pop((record.topic, str(key)), None) is not None
        if key.beside == STATISTICS:
            return was_refused
        log.info("config taken up", topic=record.topic, key=str(key), offset=record.offset)
        self._try_again(key)
        self._tell_left_out(key)
        return True

    def refused(self, tenant_id: str) -> tuple[RefusedConfig, ...]:
        """What a tenant has published last and is not run, in order of name."""
        told = {
            (topic, one.key.within_tenant): one.reason
            for (topic, _), one in self._refused.items()
            if one.key.tenant_id == tenant_id
        }
        left_out = (cards for (tenant, _), cards in self._left_out.items() if tenant == tenant_id)
        of_cards = {(CARDS, ":".join(name)): reason for cards in left_out for name, reason in cards.items()}
        return tuple(
            RefusedConfig(what=f"{_KINDS[topic]} {name}"[:_LONGEST_KEY], reason=reason[:_LONGEST_REASON])
            for (topic, name), reason in sorted((of_cards | told).items())
        )

    @property
    def tenants(self) -> frozenset[str]:
        """The tenants that have anything published, be it refused."""
        return self._library.tenants | {one.key.tenant_id for one in self._refused.values()}

    def _why_not(self, key: _Key, record: Record) -> str | None:
        """Apply a record; None, or why it cannot be."""
        try:
            self._apply(key, record)
        except Poison as error:
            return error.message[:_LONGEST_REASON]
        except ScenarioError as error:
            return str(error)[:_LONGEST_REASON]
        except Exception as error:  # noqa: BLE001 - text of others: however it breaks, what runs goes on
            return f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
        return None

    def _apply(self, key: _Key, record: Record) -> None:
        if record.value is not None:
            match _published(key, record):
                case ScenarioPublished() as scenario:
                    self._library.take_scenario(key.tenant_id, scenario)
                case PromptPublished() as prompt:
                    self._library.take_prompt(key.tenant_id, prompt)
                case CardStatistics() as counted:
                    self._library.card_records.take(key.tenant_id, counted)
                case card:
                    self._library.take_card(key.tenant_id, card)
        elif record.topic == SCENARIOS:
            self._library.drop_scenario(key.tenant_id, key.scenario)
        elif record.topic == PROMPTS:
            self._library.drop_prompt(key.tenant_id, key.scenario, *key.name)
        elif key.beside == STATISTICS:
            self._library.card_records.drop(key.tenant_id, key.scenario, *key.name)
        else:
            self._library.drop_card(key.tenant_id, key.scenario, *key.name)

    def _try_again(self, changed: _Key) -> None:
        """What was refused of this scenario, until nothing more of it is taken up."""
        while any(
            self._is_taken_now(name, one)
            for name, one in tuple(self._refused.items())
            if one.key.is_of_scenario(changed)
        ):
            pass

    def _is_taken_now(self, name: tuple[str, str], one: _Refused) -> bool:
        if (reason := self._why_not(one.key, one.record)) is not None:
            self._refused[name] = replace(one, reason=reason)
            return False
        del self._refused[name]
        log.info("config taken up after all", topic=one.record.topic, key=str(one.key), offset=one.record.offset)
        return True

    def _tell_left_out(self, changed: _Key) -> None:
        """The cards that this change has left without a place."""
        place = (changed.tenant_id, changed.scenario)
        before, now = self._left_out.get(place, {}), self._library.left_out(*place)
        for name in sorted(now.keys() - before.keys()):
            log.warning("card left out", topic=CARDS, key=":".join((changed.tenant_id, *name)), reason=now[name])
            self._meter.count(CONFIG_REFUSED, kind=_KINDS[CARDS])
        self._left_out[place] = now

    def _tell_refused(self, topic: str, key: str, reason: str) -> None:
        log.warning("config refused: the last good one stays", topic=topic, key=key, reason=reason)
        self._meter.count(CONFIG_REFUSED, kind=_KINDS[topic])


def _key_of(record: Record) -> _Key:
    try:
        parts = (record.key or b"").decode().split(":")
    except UnicodeDecodeError:
        raise Poison("the key is not UTF-8") from None
    form, beside = _FORMS[record.topic], ""
    if record.topic == CARDS:
        if len(parts) > _PARTS_OF_CARD and parts[-1] in {DRAFT, STATISTICS}:
            beside = parts.pop()
        parts[3:] = [":".join(parts[3:])]  # the id of a passage has a colon in it
    if len(parts) != len(form.split(":")) or not all(parts) or not _TENANT.fullmatch(parts[0]):
        raise Poison(f"the key is not of the form {form}")
    return _Key(parts[0], parts[1], tuple(parts[2:]), beside)


def _published(key: _Key, record: Record) -> Configuration:
    """What a record says; its key must say the same, or compaction would keep both of two that are one.

    Raises:
        Poison: it does not, or is no event that is known here.
    """
    inbound = read_event(record)
    if inbound is None or not isinstance(published := inbound.payload, Configuration):
        raise Poison("is no event that this version of convmine takes up")
    told = key_of(inbound.tenant_id, published).decode()
    if told != str(key):
        raise Poison(f"the key does not fit the event, which is of {told}")
    return published
