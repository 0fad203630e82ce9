"""Made-up calls as the events that the pipeline would have published of them, ready for the ``index`` stage."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from pipeline.extract.findings import Conversation, Findings, FoundIntent, evidence_of
from pipeline.extract.insight import assemble
from pipeline.extract.objections import objections_among
from pipeline.extract.outcome import inferred_outcome
from pipeline.extract.summary import plain_summary
from pipeline.flow.path import path_of
from pipeline.handling import Outbound
from pipeline.ids import stable_id
from pipeline.samples.synthetic.plots import SCENARIO, Move, Plot, Shares, plot_of
from pipeline.samples.synthetic.wording import lines_in, said
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Edition
from pipeline.stages import FAILED, FEEDBACK, OUTCOMES, RECORDINGS, SUGGESTIONS, flow, intents, transcripts
from pipeline.suggest.known import of_whole
from pipeline.suggest.policy import choose, expiry
from pipeline.suggest.reason import reason
from pipeline.suggest.text import fill, values_at
from pipeline.suggest.triggers import Firing, fire
from schemas.call import CallFailed, CallOutcome, OutcomeResult
from schemas.envelope import message
from schemas.flow import FlowState
from schemas.insight import CallInsight, Extractor, Provenance
from schemas.suggestion import FeedbackKind, SuggestionCreated, SuggestionFeedback
from schemas.transcript import Segment, TranscriptCompleted
from schemas.wire import CallEvent, Lane, Role

MADE_BY: Final = "synthetic"
UTTERANCES: Final = 60
"""Of a call of six minutes, on average."""
_OBSERVED_AFTER: Final = timedelta(days=2)
_LANE: Final = Lane.BATCH


def synthetic_calls(  # noqa: PLR0913 - one argument a condition
    calls: int,
    *,
    tenant_id: str,
    until: datetime,
    utterances_per_call: int = UTTERANCES,
    shares: Shares | None = None,
    seed: int = 0,
) -> Iterator[tuple[Outbound, ...]]:
    """The events of so many made-up calls, one call after the other, in order of their starts.

    The same arguments give the same events. Of a call that failed there is that it failed, and nothing else.

    Args:
        calls: how many.
        tenant_id: whose they are.
        until: an instant with a time zone; they began in the ``effects.WEEKS`` weeks before it.
        utterances_per_call: on average; with fewer than 8 a call has little but what its intents are said in.
        shares: which calls are in Chinese, have an observed outcome or feedback, failed.
        seed: another one makes other calls.
    """
    for number in range(1, calls + 1):
        random = Random(f"{seed}:{number}")  # noqa: S311 - made-up calls, no secrets
        plot = plot_of(number, calls, random, until=until, utterances=utterances_per_call, shares=shares or Shares())
        yield tuple(_events(plot, tenant_id, random, until))


def call_id_of(number: int) -> str:
    """The id of a made-up call, by its number from 1 on."""
    return f"{MADE_BY}-{number:06}"


def _events(plot: Plot, tenant_id: str, random: Random, until: datetime) -> Iterator[Outbound]:
    edition = shipped(SCENARIO).edition(plot.facts.language)
    call_id, started_at = call_id_of(plot.number), plot.facts.started_at
    assert started_at is not None

    def sent(topic: str, payload: CallEvent, time: datetime, part: str = "") -> Outbound:
        id_ = stable_id("event", MADE_BY, tenant_id, call_id, payload.event_name, part)
        return Outbound(
            topic,
            message(payload, id=id_, source=f"/convmine/{MADE_BY}", time=time, subject=call_id, tenant_id=tenant_id),
        )

    if plot.fails:
        yield sent(FAILED, _failure(call_id, plot), started_at)
        return
    transcript, found = _spoken(plot, call_id, edition, random)
    insight = _mined(tenant_id, transcript, found, edition)
    ended_at = started_at + timedelta(milliseconds=transcript.duration_ms)
    yield sent(transcripts(_LANE), transcript, ended_at)
    yield sent(intents(_LANE), insight, ended_at)
    state = FlowState(call_id=call_id, call=plot.facts, lane=_LANE, path=path_of(insight.intents), insight=insight)
    yield sent(flow(_LANE), state, ended_at)
    for suggestion in _advice(tenant_id, insight, edition, ended_at):
        yield sent(SUGGESTIONS, suggestion, ended_at)
        if plot.reacts:
            yield sent(FEEDBACK, _reaction(suggestion, plot, ended_at), ended_at)
    if plot.observed is not None:
        observed_at = min(ended_at + _OBSERVED_AFTER, until)
        yield sent(OUTCOMES, _observed(call_id, plot.observed, insight, observed_at), observed_at)


def _spoken(
    plot: Plot, call_id: str, edition: Edition, random: Random
) -> tuple[TranscriptCompleted, tuple[FoundIntent, ...]]:
    """The transcript, and the intents where they were said."""
    segments: list[Segment] = []
    found: list[FoundIntent] = []
    at_ms = 0
    for number, move in enumerate(plot.moves):
        words = said(move, edition, random)
        length = len(words.text.split()) if edition.language == "en" else len(words.text)
        spoken_ms = round(1_000 * length / lines_in(edition.language).words_per_second * random.uniform(0.8, 1.2)) + 300
        segment = Segment(
            segment_id=f"{call_id}-{number:04}",
            channel=int(move.role is Role.CUSTOMER),
            role=move.role,
            start_ms=at_ms,
            end_ms=at_ms + spoken_ms,
            text=words.text,
        )
        segments.append(segment)
        if move.intent is not None:
            found.append(FoundIntent(move.intent, _confidence(move, random), evidence_of(segment, words.quote)))
        at_ms = segment.end_ms + round(1_000 * random.lognormvariate(-0.4, 0.6))
    transcript = TranscriptCompleted(
        call_id=call_id,
        call=plot.facts,
        language=edition.language,
        duration_ms=segments[-1].end_ms + 500,
        engine=MADE_BY,
        segments=tuple(segments),
    )
    return transcript, tuple(found)


def _confidence(move: Move, random: Random) -> float:
    return round(min(0.99, random.betavariate(9, 2) + (0.05 if move.offer else 0.0)), 3)


def _mined(
    tenant_id: str, transcript: TranscriptCompleted, found: tuple[FoundIntent, ...], edition: Edition
) -> CallInsight:
    """The insight, made of the intents as the lexical extractor would."""
    scenario = shipped(SCENARIO)
    conversation = Conversation(transcript.segments, transcript.duration_ms, scenario, edition)
    outcome = inferred_outcome(found, edition)
    findings = Findings(
        intents=found,
        outcome=outcome,
        summary=plain_summary(found, outcome, conversation),
        objections=objections_among(found, transcript.segments, edition.taxonomy),
        provenance=Provenance(
            extractor=Extractor.LEXICAL, model=MADE_BY, scenario=SCENARIO, scenario_version=scenario.version
        ),
    )
    return assemble(tenant_id, transcript, conversation, findings)


def _advice(tenant_id: str, insight: CallInsight, edition: Edition, at: datetime) -> Iterator[SuggestionCreated]:
    """The most pressing card that fits, if any does."""
    known = of_whole(insight)
    fitting = [firing for card in edition.playbook.cards if (firing := fire(card, known, at.date())) is not None]
    for firing in choose(fitting, 1):
        text = fill(firing.card.text, values_at(insight.entities, firing.at_ms))
        if text is not None:
            yield _suggestion(tenant_id, insight, edition, firing, text, at)


def _suggestion(  # noqa: PLR0913, PLR0917 - one argument a part of it
    tenant_id: str, insight: CallInsight, edition: Edition, firing: Firing, text: str, at: datetime
) -> SuggestionCreated:
    card = firing.card
    return SuggestionCreated(
        suggestion_id=stable_id("suggestion", tenant_id, insight.call_id, insight.revision, card.id),
        call_id=insight.call_id,
        call=insight.call,
        lane=_LANE,
        card_id=card.id,
        title=card.title,
        text=text,
        reason=reason(firing, edition),
        priority=card.priority,
        approved_by=card.approved_by,
        at_ms=firing.at_ms,
        created_at=at,
        expires_at=expiry(card, _LANE, at),
        evidence=firing.evidence,
    )


def _reaction(suggestion: SuggestionCreated, plot: Plot, at: datetime) -> SuggestionFeedback:
    return SuggestionFeedback(
        call_id=suggestion.call_id,
        suggestion_id=suggestion.suggestion_id,
        card_id=suggestion.card_id,
        agent=plot.facts.agent or "",
        kind=FeedbackKind.ACCEPTED if plot.accepts_advice else FeedbackKind.DISMISSED,
        at=at,
    )


def _observed(call_id: str, result: OutcomeResult, insight: CallInsight, at: datetime) -> CallOutcome:
    """What the customer's records say; where they agree with the call, by its name."""
    inferred = insight.outcome_inferred
    names = {OutcomeResult.WON: "bought", OutcomeResult.LOST: "refused", OutcomeResult.OPEN: "call_back"}
    name = inferred.name if inferred and inferred.result is result else names[result]
    return CallOutcome(call_id=call_id, name=name, result=result, observed_at=at, observed_by=MADE_BY)


def _failure(call_id: str, plot: Plot) -> CallFailed:
    return CallFailed(
        call_id=call_id,
        stage="asr",
        reason="the file is not audio",
        error="Poison",
        retryable=False,
        attempts=1,
        topic=RECORDINGS,
        partition=0,
        offset=plot.number,
    )
