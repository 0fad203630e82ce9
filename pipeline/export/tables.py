"""The flat tables that are exported and asked with SQL, column by column, with what each column means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.export.columns import Cell, Column, Payload, Row, column
from pipeline.store.collections import CALLS, INTENTS, SUGGESTIONS, UTTERANCES
from schemas.wire import Role

COSTS: Final = "costs"


@dataclass(frozen=True, slots=True)
class Table:
    """A flat table; each but ``costs`` has the collection of its name behind it."""

    name: str
    meaning: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(one.name for one in self.columns)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of a payload that its columns need."""
        return tuple(dict.fromkeys(field for one in self.columns for field in one.fields))

    def rows(self, payloads: Sequence[Payload]) -> tuple[Row, ...]:
        """What is stored of these, flat."""
        return tuple(zip(*(one.read(payloads) for one in self.columns), strict=True))


def _of_side(role: Role) -> Column:
    def read(payloads: Sequence[Payload]) -> list[Cell]:
        scores = [payload.get("sentiments", {}).get(role) for payload in payloads]
        return [None if score is None else float(score) for score in scores]

    return Column(f"{role}_tone", "number", f"tone of the {role}, -1 to 1", ("sentiments",), read)


def _talk(name: str, meaning: str) -> Column:
    def read(payloads: Sequence[Payload]) -> list[Cell]:
        values = [payload.get("talk", {}).get(name) for payload in payloads]
        return [None if value is None else int(value) for value in values]

    return Column(name, "integer", meaning, ("talk",), read)


def _talk_share(role: Role) -> Column:
    def share(payload: Payload) -> Cell:
        sides = payload.get("talk", {}).get("sides", ())
        return next((float(side["share"]) for side in sides if side["role"] == role), None)

    def read(payloads: Sequence[Payload]) -> list[Cell]:
        return [share(payload) for payload in payloads]

    return Column(f"{role}_talk_share", "number", f"share of the talk that the {role} had, 0 to 1", ("talk",), read)


_CALL_ID: Final = column("call_id", "text", "id of the call")
_CALL: Final = (
    column("started_at", "time", "when the call began (UTC)"),
    column("started_day", "day", "the day of that (UTC)"),
    column("started_week", "text", "its ISO week, such as 2026-W14"),
    column("started_month", "text", "its month, such as 2026-03"),
    column("scenario", "text", "scenario of the call"),
    column("language", "text", "language of the call"),
    column("agent", "text", "pseudonym of the agent"),
    column("team", "text", "team of the agent"),
    column("queue", "text", "queue that the call came through"),
    column("campaign", "text", "campaign of the call"),
    column("customer_id", "text", "pseudonym of the customer"),
    column("direction", "text", "inbound or outbound"),
    column("lane", "text", "live, or batch of a recording"),
    column("revision", "integer", "which result of the call it is; a higher one replaces it"),
)
_SPAN: Final = (
    column("segment_id", "text", "id of the segment in its call"),
    column("role", "text", "who said it: agent, customer, unknown"),
    column("start_ms", "integer", "when, from the start of the call"),
    column("end_ms", "integer", "until when"),
)
_INFERRED: Final = (
    column("outcome_inferred", "text", "how the call seems to have ended, by its words"),
    column("outcome_inferred_result", "text", "the same as won, lost or open"),
)
_OBSERVED: Final = (
    column("outcome_observed", "text", "how the call ended, by records or people"),
    column("outcome_observed_result", "text", "the same as won, lost or open"),
    column("outcome_observed_by", "text", "who says so"),
    column("outcome_observed_at", "time", "when that was observed (UTC)"),
)
_MINED: Final = (
    column("extractor", "text", "what mined it: lexical or llm"),
    column("model", "text", "the model that mined it"),
    column("prompt_version", "text", "version of the prompt"),
    column("scenario_version", "integer", "version of the scenario"),
)

_TABLES: Final = (
    Table(
        CALLS,
        "one row a call",
        (
            _CALL_ID,
            *_CALL,
            column("live", "boolean", "whether a live call still goes on", "live"),
            column("consent", "boolean", "whether the customer agreed to analysis; null where nobody said"),
            column("duration_ms", "integer", "length of the call"),
            column("intents", "names", "names of the intents in it"),
            column("topics", "names", "topics in it"),
            column("objection_topics", "names", "topics of the objections in it"),
            column("objections_open", "names", "topics of those that were not, or only partly, answered"),
            column("path", "names", "intents in the order in which they came"),
            column("compliance", "names", "required phrases missing, words to look at"),
            column("summary", "text", "summary of the call"),
            *_INFERRED,
            column("outcome_inferred_reason", "text", "why it seems so"),
            *_OBSERVED,
            _of_side(Role.CUSTOMER),
            _of_side(Role.AGENT),
            _talk_share(Role.CUSTOMER),
            _talk_share(Role.AGENT),
            _talk("overlap_ms", "how long several spoke at once"),
            _talk("dead_air_ms", "sum of the pauses long enough to be felt"),
            _talk("longest_pause_ms", "the longest pause"),
            column("entities", "json", "slots, each with value, role and evidence"),
            column("objections", "json", "objections, each with handling and evidence"),
            column("follow_ups", "json", "what the sides are going to do, with evidence"),
            column("failed_stage", "text", "stage that failed on the call"),
            column("failed_reason", "text", "why"),
            column("failed_at", "time", "when (UTC)"),
            *_MINED,
        ),
    ),
    Table(
        UTTERANCES,
        "one row a segment of speech or a message",
        (
            _CALL_ID,
            column("utterance_id", "text", "id of the utterance"),
            *_SPAN,
            column("channel", "integer", "channel of the recording, from 0"),
            column("text", "text", "the words, masked"),
            column("confidence", "number", "how sure they are, 0 to 1; null where the engine does not say"),
            *_CALL,
        ),
    ),
    Table(
        INTENTS,
        "one row an intent",
        (
            _CALL_ID,
            column("intent_id", "text", "id of the intent in its call"),
            column("intent", "text", "name of the intent", "name"),
            column("topic", "text", "its topic"),
            column("sentiment", "text", "its tone: positive, neutral, negative"),
            column("confidence", "number", "how sure it is, 0 to 1"),
            column("quote", "text", "the words that it stands on first"),
            *_SPAN,
            column("utterance_ids", "names", "all utterances that it stands on"),
            *_INFERRED,
            *_MINED,
            *_CALL,
        ),
    ),
    Table(
        SUGGESTIONS,
        "one row a suggestion",
        (
            _CALL_ID,
            column("suggestion_id", "text", "id of the suggestion"),
            column("card_id", "text", "playbook card that it is of"),
            column("title", "text", "what is suggested, in short"),
            column("text", "text", "what is suggested"),
            column("reason", "text", "why"),
            column("priority", "integer", "0 to 100, higher goes first"),
            column("approved_by", "text", "who approved the card"),
            column("at_ms", "integer", "for which moment of the call"),
            column("created_at", "time", "when it was made (UTC)"),
            column("expires_at", "time", "until when it was of use (UTC)"),
            column("feedback", "text", "what the agent did with it"),
            column("feedback_agent", "text", "pseudonym of the agent who did"),
            column("feedback_text", "text", "what the agent wrote"),
            column("feedback_at", "time", "when (UTC)"),
            column("withdrawn_reason", "text", "why it was withdrawn"),
            column("withdrawn_at", "time", "when (UTC)"),
            *_CALL,
        ),
    ),
    Table(
        COSTS,
        "what language models used: one row a day, scenario, stage, model and version of the prompt",
        (
            column("day", "day", "the day (UTC)"),
            column("scenario", "text", "scenario that it was for"),
            column("stage", "text", "stage that asked"),
            column("model", "text", "model as it was asked for"),
            column("prompt_version", "text", "version of the prompt; null where none"),
            column("requests", "integer", "answers, valid or not"),
            column("calls", "integer", "calls that they were for, to within 2 %"),
            column("input_tokens", "integer", "tokens sent"),
            column("cached_tokens", "integer", "those of them that the server had at hand"),
            column("output_tokens", "integer", "tokens received"),
            column("usd", "number", "US dollars of the answers that have a price; null where none has"),
            column("unpriced", "integer", "answers without a known price"),
            column("seconds", "number", "time that the answers took"),
        ),
    ),
)
TABLES: Final[Mapping[str, Table]] = {table.name: table for table in _TABLES}
STORED: Final = tuple(table for table in _TABLES if table.name != COSTS)
"""Those with a collection behind them."""
