"""The answer that people have accepted: what a model should have said of a call, with the words it stands on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.extract.chunks import Turn
from pipeline.extract.quotes import find_quote
from pipeline.labels.label import Item, Label, LabelledField
from pipeline.labels.majority import last_words, majority
from pipeline.labels.mined_call import Extracted, MinedCall, known_items
from pipeline.scenarios.model import Taxonomy

_IN_TURNS: Final[tuple[LabelledField, ...]] = ("intents", "entities", "objections", "follow_ups")


@dataclass(frozen=True, slots=True)
class Accepted:
    """What most people say is in a call, each item with the share of them who say so, and what they say is not."""

    items: Mapping[Extracted, float]
    refused: frozenset[Item]

    def of(self, field: LabelledField) -> tuple[Extracted, ...]:
        """The items of one field."""
        return tuple(item for item in self.items if item.field == field)


class NotDecided(ValueError):
    """People have not said enough of the call: ``few`` where an item has too few words, ``divided`` at a tie."""

    def __init__(self, why: Literal["few", "divided"]) -> None:
        super().__init__(why)
        self.why = why


def accepted(call: MinedCall, labels: Sequence[Label], *, least: int) -> Accepted:
    """What people have decided of every item of a call; topics alone need no word.

    Args:
        call: with what was extracted.
        labels: all of this call, in order of time.
        least: people who must have judged each item.

    Raises:
        NotDecided: an item has fewer words, or as many for it as against it.
    """
    words = Counter(word.item for word in last_words(labels))
    trues = Counter(word.item for word in last_words(labels) if word.is_true)
    said = majority(labels)
    judged = {
        item.of(call.call_id): item
        for item in known_items(call, labels)
        if item.field != "topics" or item.of(call.call_id) in words
    }
    if any(words[item] < least for item in judged):
        raise NotDecided("few")
    if any(said[item] is None for item in judged):
        raise NotDecided("divided")
    return Accepted(
        {one: trues[item] / words[item] for item, one in judged.items() if said[item]},
        frozenset(item for item in judged if not said[item]),
    )


def answer_of(found: Accepted, turns: Sequence[Turn], taxonomy: Taxonomy) -> dict[str, Any] | None:
    """The answer with exactly these items, as ``pipeline.extract.answer`` reads it; None where one stands nowhere.

    The confidence of an intent is the share of the people who say that it is there. Topics are those of the intents and
    those that people accept, without those that they refuse.

    Args:
        found: at most one outcome; of several summaries the last is taken.
        turns: of the whole call, by the names that the prompt gives them.
        taxonomy: says of which topics intents are, and which of them decide an outcome.
    """
    by_segment = {turn.segment.segment_id: turn for turn in turns}
    of_segments = [item for item in found.items if item.field in _IN_TURNS]
    if any(item.segment_id not in by_segment or not item.quote for item in of_segments):
        return None
    place = {segment_id: number for number, segment_id in enumerate(by_segment)}
    of_segments.sort(key=lambda item: place[item.segment_id or ""])
    in_turns: dict[LabelledField, list[dict[str, Any]]] = {field: [] for field in _IN_TURNS}
    for item in of_segments:
        name = by_segment[item.segment_id or ""].name
        in_turns[item.field].append({"segment": name, **_claim(item, found.items[item], by_segment)})
    outcome = next(iter(found.of("outcome")), None)
    claimed = outcome and _outcome(outcome, found, turns, taxonomy)
    if outcome and claimed is None:
        return None
    return {
        **{field: in_turns[field] for field in ("intents", "entities")},
        "topics": _topics(found, of_segments, taxonomy),
        **{field: in_turns[field] for field in ("objections", "follow_ups")},
        "outcome": claimed,
        "summary": next((item.value for item in reversed(found.of("summary"))), ""),
    }


def _claim(item: Extracted, share: float, by_segment: Mapping[str, Turn]) -> dict[str, Any]:
    """What an answer says of an item besides its turn."""
    if item.field == "intents":
        return {"intent": item.name, "quote": item.quote, "confidence": round(share, 2)}
    if item.field == "entities":
        return {"entity": item.name, "value": item.quote}
    if item.field == "objections":
        reply = None
        if item.reply and item.reply[0] in by_segment:
            reply = {"segment": by_segment[item.reply[0]].name, "quote": item.reply[1]}
        return {"quote": item.quote, "handling": item.name, "reply": reply}
    return {"quote": item.quote, "kind": item.name, "what": item.value, "due_said": item.due_said}


def _outcome(item: Extracted, found: Accepted, turns: Sequence[Turn], taxonomy: Taxonomy) -> dict[str, str] | None:
    """With the words that say so: its own, else those of the last intent that decides it."""
    stands = _where(item.quote, item.stands_in, turns) if item.quote else None
    definition = taxonomy.outcome(item.name)
    if stands is None and definition:
        names = {turn.segment.segment_id: turn for turn in turns}
        deciding = [intent for intent in found.of("intents") if intent.name in definition.intents]
        order = list(names)
        last = max(deciding, key=lambda intent: order.index(intent.segment_id or ""), default=None)
        stands = (names[last.segment_id or ""].name, last.quote or "") if last else None
    if stands is None:
        return None
    return {"name": item.name, "segment": stands[0], "quote": stands[1], "reason": item.reason}


def _where(quote: str, segment_id: str | None, turns: Sequence[Turn]) -> tuple[str, str] | None:
    """The turn that the words stand in, the last one where it is not told; with the words."""
    for turn in reversed(turns):
        if segment_id in {None, turn.segment.segment_id} and find_quote(quote, turn.text):
            return turn.name, quote
    return None


def _topics(found: Accepted, items: Iterable[Extracted], taxonomy: Taxonomy) -> list[str]:
    of_intent = {intent.name: intent.topic for intent in taxonomy.intents}
    named = [of_intent[item.name] for item in items if item.field == "intents" and item.name in of_intent]
    refused = {name for _, field, name, *_ in found.refused if field == "topics"}
    every = dict.fromkeys([*named, *(item.name for item in found.of("topics"))])
    return [name for name in every if name not in refused]
