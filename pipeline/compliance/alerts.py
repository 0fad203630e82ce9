"""What somebody should look at now: forbidden phrases and sensitive words in what was just said, and late items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pipeline.compliance.rules import Rules
from pipeline.extract.compliance import said_forbidden
from pipeline.extract.sensitive import sensitive_hits
from pipeline.ids import stable_id
from schemas.compliance import AlertKind, CallAlert, ChecklistItem
from schemas.insight import Evidence
from schemas.transcript import Segment
from schemas.wire import CallFacts

PLACES: Final = 10
"""The most places that an alert quotes; whoever looks at the call sees the others."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Which call an alert is of, and when (the time of the event that gives rise to it)."""

    tenant_id: str
    call_id: str
    call: CallFacts
    at: datetime

    def alert(self, kind: AlertKind, name: str, title: str, at_ms: int, evidence: Sequence[Evidence] = ()) -> CallAlert:
        """One alert; the id is the same whenever the same words give rise to it again."""
        words = evidence[0].segment_id if evidence else ""
        return CallAlert(
            call_id=self.call_id,
            alert_id=stable_id("alert", self.tenant_id, self.call_id, str(kind), name, words),
            call=self.call,
            kind=kind,
            name=name,
            title=title,
            at_ms=at_ms,
            raised_at=self.at,
            evidence=tuple(evidence[:PLACES]),
        )


def of_words(scene: Scene, segment: Segment, rules: Rules) -> Iterator[CallAlert]:
    """What the rules say of one segment: each rule once; of sensitive words with all places where one stands."""
    for phrase in rules.may_be_said(segment.text):
        if (words := said_forbidden(phrase, segment)) is not None:
            yield scene.alert(AlertKind.FORBIDDEN_PHRASE, phrase.name, phrase.title, segment.start_ms, (words,))
    sensitive = rules.lists.sensitive_words
    for hit in sensitive_hits((segment,), sensitive, rules.sensitive):
        title = next(rule.title for rule in sensitive if rule.name == hit.name)
        yield scene.alert(AlertKind.SENSITIVE_WORD, hit.name, title, segment.start_ms, hit.evidence)


def of_late(scene: Scene, item: ChecklistItem, at_ms: int) -> CallAlert:
    """An item that was not said in its time."""
    return scene.alert(AlertKind.OVERDUE_PHRASE, item.name, item.title, at_ms)
