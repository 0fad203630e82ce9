"""What is published of scenarios and prompts, taken up into a library; what is not valid changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog

from pipeline.errors import Poison
from pipeline.figures import CONFIG_REFUSED
from pipeline.ports import Meter
from pipeline.scenarios.library import Library
from pipeline.scenarios.load import ScenarioError
from pipeline.stages import PROMPTS, SCENARIOS
from schemas.reference import PromptPublished, RefusedConfig, ScenarioPublished
from workers.records import Record, read_event

CONFIG_TOPICS: Final = (SCENARIOS, PROMPTS)
"""In the order in which they are taken up: a prompt needs its scenario."""
_KINDS: Final[Mapping[str, str]] = {SCENARIOS: "scenario", PROMPTS: "prompt"}
_PARTS: Final[Mapping[str, int]] = {SCENARIOS: 2, PROMPTS: 4}
"""Parts of a key: tenant and scenario; of a prompt language and id besides."""
_TENANT: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LONGEST_KEY: Final = 200
"""Characters of the name that a refused record is told by."""
_LONGEST_REASON: Final = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Key:
    """What a record is about: one scenario of a tenant, or one prompt of it (``name``: language and id)."""

    tenant_id: str
    scenario: str
    name: tuple[str, ...]

    @property
    def within_tenant(self) -> str:
        return ":".join((self.scenario, *self.name))

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
    scenario before the prompts that fit it. It is told as refused until another of its key is taken up.
    """

    def __init__(self, library: Library, meter: Meter) -> None:
        self._library = library
        self._meter = meter
        self._refused: dict[tuple[str, str], _Refused] = {}

    def take_all(self, records: Iterable[Record]) -> None:
        """Take what the topics hold at start: every scenario, then every prompt."""
        for record in sorted(records, key=lambda record: CONFIG_TOPICS.index(record.topic)):
            self.take(record)

    def take(self, record: Record) -> None:
        """Take one record of ``CONFIG_TOPICS``; never raises."""
        try:
            key = _key_of(record)
        except Poison as error:
            self._tell_refused(record, repr((record.key or b"")[:_LONGEST_KEY]), error.message)
            return
        if (reason := self._why_not(key, record)) is not None:
            self._refused[record.topic, str(key)] = _Refused(key, record, reason)
            self._tell_refused(record, str(key), reason)
            return
        self._refused.pop((record.topic, str(key)), None)
        log.info("config taken up", topic=record.topic, key=str(key), offset=record.offset)
        self._try_again(key)

    def refused(self, tenant_id: str) -> tuple[RefusedConfig, ...]:
        """What a tenant has published last and is not run, in order of name."""
        mine = sorted(one for one in self._refused.items() if one[1].key.tenant_id == tenant_id)
        return tuple(
            RefusedConfig(what=f"{_KINDS[topic]} {one.key.within_tenant}"[:_LONGEST_KEY], reason=one.reason)
            for (topic, _), one in mine
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
                case prompt:
                    self._library.take_prompt(key.tenant_id, prompt)
        elif key.name:
            self._library.drop_prompt(key.tenant_id, key.scenario, *key.name)
        else:
            self._library.drop_scenario(key.tenant_id, key.scenario)

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

    def _tell_refused(self, record: Record, key: str, reason: str) -> None:
        log.warning("config refused: the last good one stays", topic=record.topic, key=key, reason=reason)
        self._meter.count(CONFIG_REFUSED, kind=_KINDS[record.topic])


def _key_of(record: Record) -> _Key:
    try:
        parts = (record.key or b"").decode().split(":")
    except UnicodeDecodeError:
        raise Poison("the key is not UTF-8") from None
    if len(parts) != _PARTS[record.topic] or not all(parts) or not _TENANT.fullmatch(parts[0]):
        names = "TENANT:SCENARIO" if record.topic == SCENARIOS else "TENANT:SCENARIO:LANGUAGE:PROMPT"
        raise Poison(f"the key is not of the form {names}")
    return _Key(parts[0], parts[1], tuple(parts[2:]))


def _published(key: _Key, record: Record) -> ScenarioPublished | PromptPublished:
    """What a record says; its key must say the same, or compaction would keep both of two that are one.

    Raises:
        Poison: it does not, or is no event that is known here.
    """
    inbound = read_event(record)
    if inbound is None or not isinstance(published := inbound.payload, ScenarioPublished | PromptPublished):
        raise Poison("is no event that this version of convmine takes up")
    name = (published.language, published.prompt) if isinstance(published, PromptPublished) else ()
    told = _Key(inbound.tenant_id, published.scenario, name)
    if told != key:
        raise Poison(f"the key does not fit the event, which is of {told}")
    return published
