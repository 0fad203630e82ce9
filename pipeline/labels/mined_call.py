"""A call with what was extracted from it, item by item, as a person judges it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.labels.label import Item, Label, LabelledField
from pipeline.labels.majority import last_words
from schemas.insight import CallInsight
from schemas.transcript import Segment, TranscriptCompleted

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Extracted:
    """One item; ``field`` to ``quote`` are as ``Label`` has them.

    ``stands_in`` is the segment of the quote, also of what is of the whole call. ``reply`` are the agent's words on an
    objection, as segment and quote, ``due_said`` those of a follow-up for when, ``reason`` why an outcome is this one.
    """

    field: LabelledField
    name: str
    segment_id: str | None = None
    value: str | None = None
    quote: str | None = None
    stands_in: str | None = None
    reply: tuple[str, str] | None = None
    due_said: str | None = None
    reason: str = ""

    def of(self, call_id: str) -> Item:
        """What labels on it are found by."""
        return (call_id, self.field, self.name, self.segment_id, self.value)


@dataclass(frozen=True, slots=True)
class MinedCall:
    """The words of a call, masked and in order of time, and what was extracted; ``customer_id`` is a pseudonym."""

    call_id: str
    scenario: str
    language: str | None
    prompt_version: str
    duration_ms: int
    segments: tuple[Segment, ...]
    items: tuple[Extracted, ...]
    customer_id: str | None = None


def mined_call(transcript: TranscriptCompleted, insight: CallInsight) -> MinedCall:
    """The call of a transcript that was masked, with its insight."""
    return MinedCall(
        call_id=transcript.call_id,
        scenario=insight.call.scenario or insight.provenance.scenario,
        language=insight.language,
        prompt_version=insight.provenance.prompt_version or "",
        duration_ms=transcript.duration_ms,
        segments=spoken(transcript.segments),
        items=extracted_from(insight.model_dump(mode="json")),
        customer_id=transcript.call.customer_id,
    )


def spoken(segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Those with words, in the order in which a prompt shows them."""
    with_words = (segment for segment in segments if segment.text.strip())
    return tuple(sorted(with_words, key=lambda segment: (segment.start_ms, segment.channel)))


def extracted_from(result: Payload) -> tuple[Extracted, ...]:
    """The items of an insight in its JSON form, each once: field by field in order of ``LabelledField``."""
    found = [
        *(_standing("intents", one["name"], one) for one in result["intents"]),
        *(_standing("entities", one["name"], one, value=one["value"]) for one in result["entities"]),
        *(Extracted("topics", one["topic"]) for one in result["topics"]),
        *_outcome(result["outcome_inferred"]),
        *(_objection(one) for one in result["objections"]),
        *(_follow_up(one) for one in result["follow_ups"]),
    ]
    if result["summary"]:
        found.append(Extracted("summary", "summary", value=result["summary"]))
    return tuple({item.of(""): item for item in reversed(found)}.values())[::-1]


def known_items(call: MinedCall, labels: Iterable[Label]) -> tuple[Extracted, ...]:
    """What was extracted, and what somebody says is there besides, each once.

    What was said of a segment that the call no longer has, because it was heard anew, is not among them.

    Args:
        call: as it is now.
        labels: in order of time.
    """
    segments = {None, *(segment.segment_id for segment in call.segments)}
    extracted = {item.of(call.call_id): item for item in call.items}
    said = {
        word.item: Extracted(word.field, word.name, word.segment_id, word.value, word.quote, stands_in=word.segment_id)
        for word in last_words(labels)
        if word.is_true and word.segment_id in segments
    }
    return tuple({**said, **extracted}[item] for item in dict.fromkeys([*extracted, *said]))


def _standing(field: LabelledField, name: str, one: Payload, **more: Any) -> Extracted:  # noqa: ANN401 - fields of the class
    said = one["evidence"][0]
    return Extracted(field, name, said["segment_id"], quote=said["quote"], stands_in=said["segment_id"], **more)


def _outcome(outcome: Payload | None) -> Iterator[Extracted]:
    if outcome is None:
        return
    said = outcome["evidence"][0] if outcome["evidence"] else {"quote": None, "segment_id": None}
    yield Extracted(
        "outcome", outcome["name"], quote=said["quote"], stands_in=said["segment_id"], reason=outcome["reason"]
    )


def _objection(one: Payload) -> Extracted:
    reply = one["answer"][0] if one["answer"] else None
    return _standing("objections", one["handling"], one, reply=(reply["segment_id"], reply["quote"]) if reply else None)


def _follow_up(one: Payload) -> Extracted:
    return _standing("follow_ups", one["kind"], one, value=one["what"], due_said=one.get("due_said"))
