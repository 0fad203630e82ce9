"""A person's way through the items of some calls: which comes next, what was said of it, and the way back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.labels.label import Item, Label, Verdict
from pipeline.labels.mined_call import Extracted, MinedCall, known_items
from pipeline.scenarios.model import Edition


@dataclass(frozen=True, slots=True)
class Person:
    """Who judges, for which tenant."""

    tenant_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a person did: a word on the item (None where it was passed over), or an item added before it."""

    said: Label | None
    goes_on: bool = True


@dataclass(frozen=True, slots=True)
class Judging:
    """One call: the items that wait for this person's word, and what was done so far; the edition has the names."""

    call: MinedCall
    edition: Edition
    waiting: tuple[Extracted, ...]
    steps: tuple[Step, ...] = ()

    @property
    def place(self) -> int:
        """How many items are behind."""
        return sum(step.goes_on for step in self.steps)

    @property
    def item(self) -> Extracted | None:
        """The one that is judged now; None behind the last one."""
        return self.waiting[self.place] if self.place < len(self.waiting) else None


@dataclass(frozen=True, slots=True)
class Session:
    """The calls of a session in order, and at which of them a person is."""

    calls: tuple[Judging, ...]
    at: int = 0

    @property
    def current(self) -> Judging | None:
        """The call that is judged now; None behind the last one."""
        return self.calls[self.at] if self.at < len(self.calls) else None

    def after(self, step: Step) -> Session:
        """With one thing more done on the current call."""
        now = self.calls[self.at]
        return self._with(self.at, replace(now, steps=(*now.steps, step)))

    def next_call(self) -> Session:
        """At the call that follows."""
        return replace(self, at=self.at + 1)

    def undone(self) -> tuple[Session, Step] | None:
        """Before the last thing that was done, in whichever call, and what that was; None where nothing was."""
        last = next((at for at in reversed(range(min(self.at + 1, len(self.calls)))) if self.calls[at].steps), None)
        if last is None:
            return None
        *before, step = self.calls[last].steps
        return replace(self._with(last, replace(self.calls[last], steps=tuple(before))), at=last), step

    @property
    def words(self) -> tuple[Label, ...]:
        """All that was said."""
        return tuple(step.said for call in self.calls for step in call.steps if step.said is not None)

    @property
    def waiting(self) -> int:
        """Items that have no word yet."""
        return sum(len(call.waiting) - call.place for call in self.calls) + self.passed_over

    @property
    def passed_over(self) -> int:
        """Items without a word."""
        return sum(step.said is None for call in self.calls for step in call.steps)

    def _with(self, at: int, call: Judging) -> Session:
        return replace(self, calls=(*self.calls[:at], call, *self.calls[at + 1 :]))


def begin(
    call: MinedCall, edition: Edition, labels: Sequence[Label], *, by: str, fields: Collection[str] = ()
) -> Judging | None:
    """What waits for a person's word in a call; None where nothing does.

    What others have added is shown, too, so that two can agree on it. A call in which nothing was found is shown as
    long as this person has said nothing of it: something may be missing.

    Args:
        call: with what was extracted.
        edition: the language whose taxonomy has its names.
        labels: all that was said of this call, in order of time.
        by: the person.
        fields: those that are judged; with none, all.
    """
    known = [item for item in known_items(call, labels) if not fields or item.field in fields]
    said = {label.item for label in labels if label.by == by}
    waiting = tuple(item for item in known if item.of(call.call_id) not in said)
    return Judging(call, edition, waiting) if waiting or not (known or said) else None


def once(calls: Iterable[Judging]) -> tuple[Judging, ...]:
    """The calls with each item in the first of them that has it: several versions may have found the same."""
    asked: set[Item] = set()
    kept: list[Judging] = []
    for one in calls:
        new = tuple(item for item in one.waiting if item.of(one.call.call_id) not in asked)
        asked |= {item.of(one.call.call_id) for item in new}
        if new or not one.waiting:
            kept.append(replace(one, waiting=new))
    return tuple(kept)


def word_on(judging: Judging, item: Extracted, verdict: Verdict, person: Person, at: datetime) -> Label:
    """What a person says of an item; what nobody extracted names no version of a prompt."""
    call = judging.call
    return Label(
        tenant_id=person.tenant_id,
        call_id=call.call_id,
        scenario=call.scenario,
        language=judging.edition.language,
        field=item.field,
        name=item.name,
        segment_id=item.segment_id,
        value=item.value,
        quote=item.quote,
        verdict=verdict,
        by=person.name,
        at=at,
        prompt_version=call.prompt_version if item in call.items else "",
    )
