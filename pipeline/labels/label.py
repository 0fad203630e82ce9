"""Labels: what a person says of one item that was, or should have been, extracted from a call."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pipeline.ids import stable_id

LabelledField = Literal["intents", "entities", "topics", "outcome", "objections", "follow_ups", "summary"]
"""What of an insight can be judged."""
Item = tuple[str, str, str, str | None, str | None]


class Verdict(StrEnum):
    """``missing`` is an item that a person adds because nothing extracted it."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


class Label(BaseModel):
    """One person's word on one item; the same person's later word on it replaces the earlier.

    ``name`` is what the taxonomy calls it (of an objection how it was handled, of a follow-up its kind, of a summary
    ``summary``), ``segment_id`` where it stands (None of what is of the whole call), ``value`` an entity's value, a
    follow-up's words, a summary's text. ``quote`` are the words that it stands on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: Annotated[str, Field(min_length=1)]
    call_id: Annotated[str, Field(min_length=1)]
    scenario: Annotated[str, Field(min_length=1)]
    language: Annotated[str, Field(min_length=1)]
    field: LabelledField
    name: Annotated[str, Field(min_length=1)]
    segment_id: str | None = None
    value: str | None = None
    quote: str | None = None
    verdict: Verdict
    by: Annotated[str, Field(min_length=1)]
    at: AwareDatetime
    prompt_version: str = ""
    """The version whose answer was judged; empty of what nobody extracted."""

    @property
    def item(self) -> Item:
        """What is judged, whoever judges it."""
        return (self.call_id, self.field, self.name, self.segment_id, self.value)

    @property
    def word_id(self) -> str:
        """The same for the same verdict of the same person on the same item in the same second."""
        item = ["" if part is None else f"={part}" for part in self.item]
        return stable_id("label", self.tenant_id, *item, self.by, self.verdict.value, int(self.at.timestamp()))

    @property
    def subject(self) -> str:
        """Whose words are in it, as erasures name it: ``tenant:call``."""
        return f"{self.tenant_id}:{self.call_id}"

    @property
    def is_true(self) -> bool:
        """Whether the item is there, by this person."""
        return self.verdict is not Verdict.WRONG


def in_order(labels: Iterable[Label]) -> tuple[Label, ...]:
    """In order of time, and always the same one where times are equal."""
    return tuple(sorted(labels, key=lambda label: (label.at, label.word_id)))


def by_call(labels: Iterable[Label]) -> dict[str, list[Label]]:
    """The labels of each call, in the order in which they come."""
    found: dict[str, list[Label]] = {}
    for label in labels:
        found.setdefault(label.call_id, []).append(label)
    return found
