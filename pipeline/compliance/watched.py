"""What the compliance stage remembers of a call: its newest words, what was said of the checklist, and its alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Self

from pydantic import BaseModel, ConfigDict

from pipeline.extract.live_state import LiveConversation
from pipeline.privacy.entry import REACH_MS
from schemas.compliance import CallAlert
from schemas.insight import Evidence
from schemas.transcript import Segment

KEPT_MS: Final = 2 * REACH_MS
"""How long words are remembered: a segment that comes a minute late is still masked with all that is around it."""
APART_MS: Final = 60_000
"""Between two alerts of one rule in a call: who was told once will look, and a word that comes in every second sentence
of an angry caller is one matter.
"""


class Watched(BaseModel):
    """A call after one of its events; every change gives a new value.

    ``call`` has its facts and its newest words. ``at_ms`` is how far it has come. ``said`` has the words that ticked an
    item off, by its name, ``overdue`` the names of those that were told to be late, ``alerted`` when a rule was last
    told of, by kind and name, in ms of the call. ``told`` stands for the checklist as it was last published.
    """

    model_config = ConfigDict(frozen=True)

    call: LiveConversation = LiveConversation()
    at_ms: int = 0
    said: dict[str, Evidence] = {}
    overdue: tuple[str, ...] = ()
    alerted: dict[str, int] = {}
    told: str = ""

    def knowing(self, call: LiveConversation) -> Self:
        """With these facts; of a customer who refuses nothing is kept but that."""
        if call is self.call:
            return self
        if not call.may_be_mined:
            return type(self)(call=call, at_ms=self.at_ms)
        return self.model_copy(update={"call": call})

    def until(self, at_ms: int) -> Self:
        """The call has come so far; it never goes back."""
        return self if at_ms <= self.at_ms else self.model_copy(update={"at_ms": at_ms})

    def heard(self, segments: Iterable[Segment], new: Segment, revision: int) -> Self:
        """With these segments; where the ``new`` one corrects an earlier one, what that ticked off is open again."""
        call = self.call.heard(segments, new.segment_id, revision)
        newest = max(turn.end_ms for turn in call.turns)
        kept = tuple(turn for turn in call.turns if turn.end_ms >= newest - KEPT_MS)
        said = {name: words for name, words in self.said.items() if words.segment_id != new.segment_id}
        return self.model_copy(update={"call": call.model_copy(update={"turns": kept}), "said": said}).until(new.end_ms)

    def ticked(self, said: dict[str, Evidence]) -> Self:
        """With these items said, too."""
        return self.model_copy(update={"said": {**self.said, **said}}) if said else self

    def may_alert(self, rule: str, at_ms: int) -> bool:
        """Whether the last alert of this rule is long enough ago; what is corrected, or comes late, is told no more."""
        last = self.alerted.get(rule)
        return last is None or at_ms - last >= APART_MS

    def having_told(self, checklist: str, alerts: Iterable[CallAlert], overdue: Sequence[str]) -> Self:
        """With this checklist, these alerts and these late items told."""
        alerted = {rule_of(alert): alert.at_ms for alert in alerts}
        if not alerted and not overdue and checklist == self.told:
            return self
        return self.model_copy(
            update={
                "told": checklist,
                "alerted": {**self.alerted, **alerted},
                "overdue": (*self.overdue, *overdue),
            }
        )


def rule_of(alert: CallAlert) -> str:
    """The rule that an alert is of, as its alerts are counted."""
    return f"{alert.kind}:{alert.name}"
