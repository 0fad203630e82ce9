"""The collections on one screen: what can be filtered on, and how long a typical text is (for BM25)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

FieldKind = Literal["tenant", "keyword", "integer", "float", "datetime"]


@dataclass(frozen=True, slots=True)
class Collection:
    """One kind of point; ``fields`` have a payload index, ``average_words`` is the length of a typical text.

    Points of one that is not ``searched`` have no text and no vectors; they are read by id.
    """

    name: str
    average_words: int
    fields: Mapping[str, FieldKind]
    searched: bool = True
    text: tuple[str, ...] = ("text",)

    def text_of(self, payload: Mapping[str, Any]) -> str:
        """The text that a point is found by, of its payload: the fields ``text``, a line each."""
        return "\n".join(str(payload.get(field) or "") for field in self.text)


UTTERANCES: Final = "utterances"
INTENTS: Final = "intents"
CALLS: Final = "calls"
KNOWLEDGE: Final = "knowledge"
SUGGESTIONS: Final = "suggestions"
RESULTS: Final = "results"

_CALL: Final[Mapping[str, FieldKind]] = {
    "tenant_id": "tenant",
    "call_id": "keyword",
    "revision": "integer",
    "lane": "keyword",
    "scenario": "keyword",
    "language": "keyword",
    "agent": "keyword",
    "team": "keyword",
    "queue": "keyword",
    "campaign": "keyword",
    "customer_id": "keyword",
    "direction": "keyword",
    "started_at": "datetime",
    "started_ts": "integer",
    "started_day": "keyword",
    "started_week": "keyword",
    "started_month": "keyword",
    "stored_ts": "integer",
}
_SPAN: Final[Mapping[str, FieldKind]] = {
    "segment_id": "keyword",
    "role": "keyword",
    "start_ms": "integer",
    "end_ms": "integer",
}
_INFERRED: Final[Mapping[str, FieldKind]] = {
    "outcome_inferred": "keyword",
    "outcome_inferred_result": "keyword",
    "extractor": "keyword",
    "prompt_version": "keyword",
    "model": "keyword",
}

COLLECTIONS: Final[tuple[Collection, ...]] = (
    Collection(UTTERANCES, 12, {**_CALL, **_SPAN, "utterance_id": "keyword", "channel": "integer"}),
    Collection(
        INTENTS,
        12,
        {
            **_CALL,
            **_SPAN,
            **_INFERRED,
            "name": "keyword",
            "topic": "keyword",
            "sentiment": "keyword",
            "confidence": "float",
            "utterance_ids": "keyword",
        },
    ),
    Collection(
        CALLS,
        40,
        {
            **_CALL,
            **_INFERRED,
            "outcome_observed": "keyword",
            "outcome_observed_result": "keyword",
            "intents": "keyword",
            "topics": "keyword",
            "compliance": "keyword",
            "failed_stage": "keyword",
            "duration_s": "integer",
            "objection_topics": "keyword",
            "objections_open": "keyword",
        },
    ),
    Collection(
        KNOWLEDGE,
        60,
        {
            "tenant_id": "tenant",
            "scenario": "keyword",
            "language": "keyword",
            "origin": "keyword",
            "source": "keyword",
            "passage_id": "keyword",
        },
        text=("title", "text"),
    ),
    Collection(
        SUGGESTIONS,
        20,
        {**_CALL, "suggestion_id": "keyword", "card_id": "keyword", "feedback": "keyword", "at_ms": "integer"},
    ),
    Collection(RESULTS, 0, {"tenant_id": "tenant", "call_id": "keyword"}, searched=False),
)
BY_NAME: Final[Mapping[str, Collection]] = {collection.name: collection for collection in COLLECTIONS}
