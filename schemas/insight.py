"""What was mined from a conversation: intents, entities, topics, tone, compliance, outcome; all with their evidence."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.call import OutcomeResult
from schemas.transcript import Segment
from schemas.wire import CallEvent, CallFacts, Count, Identifier, Lane, Milliseconds, Role, Sentiment, Share, Wire


class Evidence(Wire):
    """The words that something stands on; ``quote`` really stands in the segment."""

    segment_id: Identifier
    role: Role
    start_ms: Milliseconds
    end_ms: Milliseconds
    quote: Annotated[str, Field(min_length=1)]


class Intent(Wire):
    """One intent of the scenario's taxonomy, said once by one side."""

    intent_id: Identifier
    name: Identifier
    role: Role
    topic: str | None = None
    sentiment: Sentiment = Sentiment.NEUTRAL
    confidence: Share
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class Entity(Wire):
    """A slot with the words it was said in.

    ``value`` is its one spelling, for people: numbers as digits, lower case, the scenario's own name of a product. For
    programs there are ``amount`` with its ``unit`` (an ISO 4217 code, ``%``, ``GB``, ``MB``, or ``hour`` to ``year``)
    and ``day``, where it says so much.
    """

    entity_id: Identifier
    name: Identifier
    value: str
    amount: float | None = None
    unit: str | None = None
    day: date | None = None
    role: Role
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class TopicSpan(Wire):
    """A stretch of the conversation about one topic."""

    topic: Identifier
    start_ms: Milliseconds
    end_ms: Milliseconds


class ToneChange(StrEnum):
    """Which way a tone went."""

    BETTER = "better"
    WORSE = "worse"


class ToneTurn(Wire):
    """Where the tone of a side turned: clearly the one before, clearly the other from ``at_ms`` on."""

    change: ToneChange
    at_ms: Milliseconds
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class SideSentiment(Wire):
    """The tone of one side over the whole conversation, and where it turned, if it did."""

    role: Role
    sentiment: Sentiment
    score: Annotated[float, Field(ge=-1.0, le=1.0)]
    turn: ToneTurn | None = None


class ComplianceKind(StrEnum):
    """Which rule of the scenario's word lists was met or broken."""

    MISSING_PHRASE = "missing_phrase"
    FORBIDDEN_PHRASE = "forbidden_phrase"
    SENSITIVE_WORD = "sensitive_word"


class ComplianceHit(Wire):
    """A required phrase that is missing (no evidence), or a word that should be looked at (with evidence)."""

    kind: ComplianceKind
    name: Identifier
    evidence: tuple[Evidence, ...] = ()


class InferredOutcome(Wire):
    """How the call seems to have ended; never counted together with an observed ``call.outcome``."""

    name: Identifier
    result: OutcomeResult
    reason: str
    evidence: tuple[Evidence, ...] = ()


class Handling(StrEnum):
    """What became of an objection."""

    ANSWERED = "answered"
    PARTLY = "partly"
    IGNORED = "ignored"


class Objection(Wire):
    """What the customer held against what is offered, and the agent's answer to it, where there was one."""

    objection_id: Identifier
    role: Role
    topic: str | None = None
    handling: Handling
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]
    answer: tuple[Evidence, ...] = ()


class FollowUpKind(StrEnum):
    """Whether one side gave its word, or both know what comes next."""

    PROMISE = "promise"
    NEXT_STEP = "next_step"


class FollowUp(Wire):
    """What the side ``role`` is going to do; ``due`` is worked out from ``due_said`` and the day of the call."""

    follow_up_id: Identifier
    kind: FollowUpKind
    role: Role
    what: Annotated[str, Field(min_length=1)]
    due: date | None = None
    due_said: str | None = None
    evidence: Annotated[tuple[Evidence, ...], Field(min_length=1)]


class Medium(StrEnum):
    """Whether times are those of speech, or of messages that take none."""

    SPEECH = "speech"
    TEXT = "text"


class SpeechUnit(StrEnum):
    """What is counted of a text: words, or characters where there are no spaces between words."""

    WORDS = "words"
    CHARACTERS = "characters"


class SideTalk(Wire):
    """How one side talked; what only speech has is None of written messages, and the other way round.

    ``turns`` are stretches of talk without one of another side between. ``share`` is of all that the sides spoke, of
    messages of all their ``units``. ``longest_ms`` is the longest stretch without a word of another side,
    ``interruptions`` how often it began while another spoke on. ``response_ms`` is how long others usually waited for
    an answer (the median), ``longest_response_ms`` how long at most.
    """

    role: Role
    turns: Count
    units: Count
    share: Share
    spoken_ms: Milliseconds | None = None
    longest_ms: Milliseconds | None = None
    units_per_minute: Annotated[float, Field(ge=0)] | None = None
    interruptions: Count | None = None
    response_ms: Milliseconds | None = None
    longest_response_ms: Milliseconds | None = None


class TalkFigures(Wire):
    """How the talk went, by times and lengths alone.

    ``overlap_ms`` is when several sides spoke at once. ``dead_air_ms`` is the sum of all pauses, between first and last
    word, that are long enough to be felt; ``longest_pause_ms`` is the longest of all. Both are None of messages.
    """

    medium: Medium
    unit: SpeechUnit
    sides: tuple[SideTalk, ...]
    overlap_ms: Milliseconds | None = None
    dead_air_ms: Milliseconds | None = None
    longest_pause_ms: Milliseconds | None = None


class Extractor(StrEnum):
    """Who did the mining; a result of the fall-back is always labelled as such."""

    LEXICAL = "lexical"
    LLM = "llm"


class Provenance(Wire):
    """What a result was made with, so that it can be explained and made again, and what it cost.

    ``fallback_because`` says why it was not the extractor that is set; ``chunks`` is in how many pieces a long call was
    read; ``cost_usd`` is there where the prices of the model are known.
    """

    extractor: Extractor
    model: str
    scenario: str
    scenario_version: Annotated[int, Field(ge=1)]
    prompt_version: str | None = None
    reasks: Annotated[int, Field(ge=0)] = 0
    dropped_ungrounded: Annotated[int, Field(ge=0)] = 0
    input_tokens: Annotated[int, Field(ge=0)] = 0
    output_tokens: Annotated[int, Field(ge=0)] = 0
    fallback_because: str | None = None
    chunks: Annotated[int, Field(ge=1)] = 1
    cost_usd: Annotated[float, Field(ge=0)] | None = None


class IntentExtracted(CallEvent):
    """The live delta: what was found in these segments, the newest ones; it replaces what was found in them before."""

    event_name: ClassVar[str] = "intent.extracted"

    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    language: str
    segments: tuple[Segment, ...]
    intents: tuple[Intent, ...]
    entities: tuple[Entity, ...] = ()
    provenance: Provenance


class CallInsight(CallEvent):
    """All that was mined from one whole conversation."""

    event_name: ClassVar[str] = "call.insight"

    call: CallFacts = CallFacts()
    revision: Annotated[int, Field(ge=1)] = 1
    lane: Lane = Lane.BATCH
    language: str
    duration_ms: Milliseconds
    intents: tuple[Intent, ...]
    entities: tuple[Entity, ...] = ()
    topics: tuple[TopicSpan, ...] = ()
    sentiments: tuple[SideSentiment, ...] = ()
    compliance: tuple[ComplianceHit, ...] = ()
    outcome_inferred: InferredOutcome | None = None
    objections: tuple[Objection, ...] = ()
    follow_ups: tuple[FollowUp, ...] = ()
    talk: TalkFigures | None = None
    summary: str = ""
    provenance: Provenance
