"""What questions are answered with, as JSON has it.

Made by scripts/client-types of convmine; do not edit. Instants and days are text (ISO 8601).
"""
# ruff: noqa: E501 - a docstring of one line stays one

from __future__ import annotations

from typing import Any, Literal, TypedDict


class Advice(TypedDict):
    """A suggestion, the moment of the call that it is for, and what became of it."""

    suggestion_id: str
    card_id: str
    title: str
    text: str
    reason: str
    at_ms: int
    priority: int
    feedback: str | None
    withdrawn: str | None


class Aggregated(TypedDict):
    """Groups, those of a time in its order and the others largest first, and what to know about them."""

    total: Group
    groups: list[Group]
    share_of: str | None
    overlapping: list[str]
    nameless: dict[str, int]
    left_out: dict[str, int]
    results: dict[str, int]
    outcomes: Literal["inferred", "observed"] | None
    emptied_by: str | None


class Alike(TypedDict):
    """A call that is like the one asked about: how near in meaning (cosine), and the names that both have."""

    call: CallRow
    score: float
    intents: list[str]
    topics: list[str]
    objections: list[str]
    summary: str


class CallRow(TypedDict):
    """A call in a list; inferred and observed outcome stay two things."""

    call_id: str
    started_at: str | None
    scenario: str | None
    language: str | None
    agent: str | None
    duration_ms: int | None
    intents: list[str]
    outcome_inferred: Outcome | None
    outcome_observed: Outcome | None
    failed: Failure | None


class CallView(TypedDict):
    """Everything that is stored of one call; ``facts`` are those told from outside, and what it was mined with."""

    row: CallRow
    facts: dict[str, Any]
    summary: str
    turns: list[Turn]
    intents: list[FoundIntent]
    entities: list[FoundEntity]
    compliance: list[ComplianceFinding]
    suggestions: list[Advice]
    tone_turns: list[ToneTurn]
    objections: list[FoundObjection]
    follow_ups: list[FoundFollowUp]
    talk: dict[str, Any] | None


class Coached(TypedDict):
    """An agent (a) beside the best of those whose calls were asked about (b); all shares are adjusted together."""

    agent: str
    outcomes: Literal["inferred", "observed"]
    calls: int
    undecided: int
    agents: int
    place: int | None
    best: list[Ranked]
    won: Contrast | None
    intents: list[Contrast]
    objections: list[Contrast]
    handling: list[Contrast]
    behind: list[Contrast]
    talk: list[TalkFigure]
    listen: list[Listen]
    listen_best: list[Listen]
    cards: list[ProposedCard]
    notes: list[str]
    emptied_by: str | None


class Compared(TypedDict):
    """Differences of a less b, strongest first."""

    a: Side
    b: Side
    outcomes: Literal["inferred", "observed"] | None
    intents: list[Contrast]
    objections: list[Contrast]
    topics: list[Contrast]
    handling: list[Contrast]
    phrases: list[Contrast]
    tested: int
    tested_phrases: int
    notes: list[str]
    emptied_by: str | None


class ComplianceFinding(TypedDict):
    """A required phrase that is missing (no quotes), or a word that should be looked at."""

    kind: str
    name: str
    quotes: list[str]


class Contrast(TypedDict):
    """The same, compared: a less b; nothing to compare with is None."""

    what: Literal["won", "intent", "objection", "topic", "handling", "phrase"]
    name: str
    role: str | None
    a: Share
    b: Share
    difference: Difference | None
    adjusted_p: float | None
    is_sure: bool
    example: Quote | None


class Difference(TypedDict):
    """Two shares beside each other: ``points`` is a's share less b's (-1 to 1), ``p`` that of no difference."""

    points: float
    low: float
    high: float
    odds_ratio: float
    odds_low: float
    odds_high: float
    p: float


class Ended(TypedDict):
    """How conversations ended that passed somewhere."""

    won: int
    lost: int
    rate: float | None
    low: float | None
    high: float | None


class Failure(TypedDict):
    """The stage that failed on a call, why, and when."""

    stage: str
    reason: str
    at: str


class FoundEntity(TypedDict):
    """A slot, its value, and the words it was said in; what it measures, where that is known."""

    name: str
    value: str
    role: str
    quote: str
    amount: float | None
    unit: str | None
    day: str | None


class FoundFollowUp(TypedDict):
    """What the side ``role`` is going to do, and by when: the day, and the words for it."""

    kind: str
    role: str
    what: str
    due: str | None
    due_said: str | None
    start_ms: int
    quote: str


class FoundIntent(TypedDict):
    """An intent with the words that it stands on; how its call ended is inferred."""

    call_id: str
    intent_id: str
    name: str
    role: str
    topic: str | None
    sentiment: str
    confidence: float
    quote: str
    segment_id: str
    start_ms: int
    end_ms: int
    scenario: str | None
    extractor: str
    outcome_inferred: str | None
    outcome_inferred_result: str | None
    started_at: str


class FoundObjection(TypedDict):
    """What the customer held against it, what became of that, and the agent's words on it."""

    topic: str | None
    handling: str
    start_ms: int
    quote: str
    answer: str | None


class FoundSuggestion(TypedDict):
    """A suggestion in a list, with its call."""

    suggestion_id: str
    card_id: str
    title: str
    text: str
    reason: str
    at_ms: int
    priority: int
    feedback: str | None
    withdrawn: str | None
    call_id: str
    started_at: str | None
    scenario: str | None
    agent: str | None


class Group(TypedDict):
    """What matches and has these values of the fields, in the order in which they were asked."""

    names: list[str]
    count: int
    value: float | None
    n: int
    low: float | None
    high: float | None


class KnownField(TypedDict):
    """A field that questions can name, of what it can be asked, and all its values where they are few."""

    name: str
    meaning: str
    type: Literal["name", "number", "time"]
    of: list[str]
    values: list[str]


class Listen(TypedDict):
    """A call and the moment in it at which an objection was raised; ``answer`` are the agent's words on it."""

    call_id: str
    agent: str | None
    topic: str
    start_ms: int
    quote: str
    handling: str
    answer: str | None


class MaskedSpan(TypedDict):
    """When something personal was said, in ms of the call, and what it was (``card``); playback is silent there."""

    kind: str
    start_ms: int
    end_ms: int


class MinedEdge(TypedDict):
    """One step right after another."""

    source: str
    target: str
    count: int
    calls: int
    probability: float
    dependency: float
    median_ms: int | None
    kept: bool
    ended: Ended


class MinedStep(TypedDict):
    """A label, or one of the marks ``(start)`` and ``(end)``."""

    label: str
    count: int
    calls: int
    share: float
    again: int
    repeats: int
    closes: bool
    ended: Ended


class Outcome(TypedDict):
    """How a call ended, by name and as won, lost or open, and who or what says so."""

    name: str
    result: str
    said_by: str


class ProposedCard(TypedDict):
    """A card as ``playbook.yaml`` has it but for ``approved_by``, and what it stands on."""

    scenario: str
    language: str
    topic: str
    card: dict[str, Any]
    evidence: Contrast
    quotes: list[Quote]


class Quote(TypedDict):
    """Words of a call, and when they were said in it."""

    call_id: str
    role: str
    start_ms: int
    text: str


class Ranked(TypedDict):
    """An agent by pseudonym: calls won of those won or lost, and the 95 % interval of that rate."""

    agent: str
    won: Share
    low: float
    high: float


class Row(TypedDict):
    """One name: in how many calls of each period, the share a period (None where it had no calls), and the trend."""

    name: str
    calls: list[int]
    shares: list[float | None]
    slope: Slope
    adjusted_p: float
    direction: Literal["rising", "falling", "steady"]


class ScenarioFlow(TypedDict):
    """The flow graph of a scenario."""

    scenario: str
    calls: int
    read: int
    outcomes: Literal["inferred", "observed"]
    closing: list[str]
    steps: list[MinedStep]
    edges: list[MinedEdge]
    notes: list[str]
    emptied_by: str | None


class _Segment(TypedDict):
    """What every Segment has."""

    segment_id: str
    channel: int
    role: Literal["agent", "customer", "supervisor", "unknown"]
    start_ms: int
    end_ms: int
    text: str
    confidence: float | None


class Segment(_Segment, total=False):
    """What one channel said without a pause; a message of a chat is a segment, too."""

    words: list[Word]
    masked: list[MaskedSpan]


class Share(TypedDict):
    """So many calls of how many; None of none."""

    calls: int
    of: int
    share: float | None


class Side(TypedDict):
    """A set of calls: its conditions, how many calls it has, and of how many the words were read for phrases."""

    said: str
    calls: int
    read: int


class Slope(TypedDict):
    """How much a share changes a period: ``points`` (-1 to 1), ``p`` that of no change."""

    points: float
    low: float
    high: float
    p: float


class SqlAnswer(TypedDict):
    """The rows of a statement; ``types`` are DuckDB's names of the columns' types, ``more`` says that rows were left."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    more: bool


class StoredTranscript(TypedDict):
    """The words of one call as they are stored, masked: segments in order of start."""

    call_id: str
    segments: list[Segment]
    started_at: str
    language: str | None
    agent: str | None
    customer_id: str | None
    duration_ms: int
    revision: int
    scenario: str | None


class TalkFigure(TypedDict):
    """The mean over so many calls of a and of b, and the difference a less b with its 95 % interval."""

    name: str
    unit: str
    a: float
    of_a: int
    b: float | None
    of_b: int
    difference: float | None
    low: float | None
    high: float | None


class ToneTurn(TypedDict):
    """Where the tone of a side turned, for the better or the worse."""

    role: str
    change: str
    at_ms: int
    quote: str


class Trends(TypedDict):
    """Shares of calls over whole periods, strongest trend first."""

    by: str
    periods: list[str]
    calls: list[int]
    rows: list[Row]
    unfinished: str | None
    too_few: int
    outcomes: Literal["inferred", "observed"] | None
    notes: list[str]
    emptied_by: str | None


class Turn(TypedDict):
    """One utterance of a call."""

    role: str
    start_ms: int
    end_ms: int
    text: str


class Utterance(TypedDict):
    """Something that was said; ``highlights`` are the characters (start, end) of the words asked for."""

    call_id: str
    segment_id: str
    role: str
    start_ms: int
    end_ms: int
    text: str
    highlights: list[list[int]]
    score: float
    scenario: str | None
    language: str | None
    agent: str | None
    started_at: str


class Vocabulary(TypedDict):
    """All that questions can name."""

    items: list[KnownField]


class Word(TypedDict):
    """One word of a segment and when it was said, in ms of the call; where it was masked it is the placeholder."""

    text: str
    start_ms: int
    end_ms: int
