"""What a reader of the rules has to know: where the same things are kept for longer than a rule says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pipeline.retention.kinds import KINDS, KindName
from pipeline.retention.rules import ALL, Rule, Rules, in_days
from pipeline.settings import Settings
from pipeline.stages import TOPICS

_WORDS: Final[KindName] = "transcripts"
_QUOTING: Final[tuple[KindName, ...]] = ("intents", "suggestions", "calls")


@dataclass(frozen=True, slots=True)
class TopicStanding:
    """A topic beside the rule of what lies there: ``keep`` is the shortest, None where there is none.

    ``retention`` is Kafka's own, None where it keeps for good.
    """

    topic: str
    kind: KindName
    retention: timedelta | None
    keep: timedelta | None

    @property
    def outlives(self) -> bool:
        """Whether Kafka has things for longer than the rule says; read again from there, they come back."""
        return self.keep is not None and (self.retention is None or self.retention > self.keep)


def topic_standings(rules: Rules, retentions: Mapping[str, timedelta | None] | None = None) -> list[TopicStanding]:
    """Each topic with things of calls, by what Kafka says of it; else by what ``convmine topics apply`` sets."""
    set_by_us = {topic.name: _of_ms(topic.retention_ms) for topic in TOPICS}
    found = set_by_us if retentions is None else retentions
    return [
        TopicStanding(topic, kind, found[topic], _shortest(rules, kind))
        for kind, one in KINDS.items()
        for topic in one.topics
        if topic in found
    ]


def notes_of(rules: Rules, settings: Settings, topics: Iterable[TopicStanding]) -> Iterator[str]:
    """Sentences, one for each place."""
    yield from _quotes(rules)
    yield from _settings(rules, settings)
    late = [one for one in topics if one.outlives]
    for kind in dict.fromkeys(one.kind for one in late):
        keep = _shortest(rules, kind)
        assert keep is not None
        names = ", ".join(one.topic for one in late if one.kind == kind and not one.topic.endswith(".dlq"))
        yield (
            f"Kafka keeps {kind} longer than {in_days(keep)}: {names}, and their dead letters; "
            f"a replay stores none of it again where CONVMINE_RETENTION_RULES is set for who runs it"
        )


def _quotes(rules: Rules) -> Iterator[str]:
    """Of all tenants, and of those to whom something else applies."""
    for tenant in (ALL, *sorted(rules.named)):
        keeps = {kind: rules.keep(kind, tenant) for kind in (_WORDS, *_QUOTING)}
        words = keeps[_WORDS]
        longer = [kind for kind in _QUOTING if words is not None and _longer(keeps[kind], words)]
        if words is None or not longer:
            continue
        if tenant == ALL or keeps != {kind: rules.keep(kind, ALL) for kind in keeps}:
            whose = "all" if tenant == ALL else f"tenant {tenant}"
            yield (
                f"{', '.join(longer)} of {whose} outlive transcripts ({in_days(words)}), and they quote words; "
                f"search finds none of what is gone"
            )


def _settings(rules: Rules, settings: Settings) -> Iterator[str]:
    days: Mapping[KindName, tuple[str, int]] = {
        "cache": ("CONVMINE_LLM_CACHE_DAYS", settings.llm.cache_days),
        "usage": ("CONVMINE_BUDGET_LEDGER_DAYS", settings.budget.ledger_days),
        "audit": ("CONVMINE_AUDIT_KEEP_DAYS", settings.audit.keep_days),
    }
    for rule in rules.rules:
        if rule.kind in days and rule.keep.days > days[rule.kind][1]:
            name, most = days[rule.kind]
            yield f"{_said(rule)}, but {name} is {most}: it goes after {most} d"


def _said(rule: Rule) -> str:
    whose = "all" if rule.tenant == ALL else f"tenant {rule.tenant}"
    return f"{rule.kind} of {whose} are to be kept {in_days(rule.keep)}"


def _longer(keep: timedelta | None, than: timedelta) -> bool:
    return keep is None or keep > than


def _shortest(rules: Rules, kind: KindName) -> timedelta | None:
    keeps = (rules.keep(kind, tenant) for tenant in (ALL, *rules.named))
    return min((keep for keep in keeps if keep is not None), default=None)


def _of_ms(retention_ms: int | None) -> timedelta | None:
    return None if retention_ms is None else timedelta(milliseconds=retention_ms)
