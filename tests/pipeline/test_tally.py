from __future__ import annotations

import pytest
from mined_calls import FACTS, START, inbound, insight, outcome, segment, transcript

from pipeline.figures import AUDIO_SECONDS, FEEDBACK, MASKED, MINED, OUTCOMES, PHANTOM_SECONDS, RULE_HITS
from pipeline.handling import Inbound, follow
from pipeline.tally import Tally
from pipeline.testing import InMemoryMeter
from schemas.audio import AudioChunk, Encoding, RawFormat
from schemas.call import OutcomeResult
from schemas.compliance import AlertKind, CallAlert
from schemas.insight import ComplianceHit, ComplianceKind
from schemas.suggestion import FeedbackKind, SuggestionFeedback
from schemas.transcript import Hearing, TranscriptSegment
from schemas.wire import CallEvent, Channel, Lane, Role


def chunk(encoding: Encoding, rate_hz: int, channels: int, size: int) -> Inbound:
    raw = RawFormat(encoding=encoding, sample_rate_hz=rate_hz, channels=channels)
    named = tuple(Channel(index=at, role=Role.UNKNOWN) for at in range(channels))
    event = inbound(AudioChunk(call_id="a", sequence=0, offset_ms=0, raw=raw, channels=named))
    return Inbound(event.message, event.position, bytes(size))


def took(event: Inbound) -> InMemoryMeter:
    meter = InMemoryMeter()
    Tally(meter).took(event)
    return meter


def gave(*payloads: CallEvent) -> InMemoryMeter:
    meter = InMemoryMeter()
    Tally(meter).gave([follow(inbound(outcome("a")), one, stage="x", topic="t") for one in payloads])
    return meter


@pytest.mark.parametrize(
    ("encoding", "rate_hz", "channels", "size", "seconds"),
    [
        (Encoding.L16, 16_000, 1, 32_000, 1.0),
        (Encoding.L16, 8_000, 2, 32_000, 2.0),
        (Encoding.PCMU, 8_000, 1, 1_600, 0.2),
    ],
)
def test_live_audio_counts_in_seconds_over_all_channels(
    encoding: Encoding, rate_hz: int, channels: int, size: int, seconds: float
) -> None:
    assert took(chunk(encoding, rate_hz, channels, size)).counted(AUDIO_SECONDS, lane="live") == pytest.approx(seconds)


@pytest.mark.parametrize(("card", "kind"), [("offer-annual", "card"), ("kb:price-list:3", "knowledge")])
@pytest.mark.parametrize("did", list(FeedbackKind))
def test_what_an_agent_did_counts_by_kind_of_suggestion(card: str, kind: str, did: FeedbackKind) -> None:
    told = SuggestionFeedback(call_id="a", suggestion_id="s", card_id=card, agent="bob", kind=did, at=START)
    assert took(inbound(told)).counted(FEEDBACK, kind=kind, did=str(did)) == 1


def test_an_observed_outcome_counts_by_its_result() -> None:
    event = outcome("a")
    assert took(inbound(event)).counted(OUTCOMES, result=str(event.result)) == 1
    assert event.result in set(OutcomeResult)


def test_a_transcript_counts_its_audio_what_was_cut_and_each_placeholder_by_kind() -> None:
    words = segment(0, Role.CUSTOMER, "call [PHONE] or [PHONE], my card is [CARD] [sic]")
    whole = transcript("a").model_copy(
        update={
            "segments": (words,),
            "hearing": Hearing(heard_ms=90_000, spoken_ms=60_000, cut_ms=2_500, cuts={"repeated": 2_500}),
        }
    )
    meter = gave(whole)
    assert meter.counted(AUDIO_SECONDS, lane="batch") == 90
    assert meter.counted(PHANTOM_SECONDS, lane="batch", reason="repeated") == 2.5
    assert meter.counted(MASKED, lane="batch", kind="phone") == 2
    assert meter.counted(MASKED, lane="batch", kind="card") == 1
    assert meter.counted(MASKED, lane="batch", kind="email") == 0


def test_a_conversation_that_was_not_heard_counts_no_audio() -> None:
    assert gave(transcript("a")).counted(AUDIO_SECONDS, lane="batch") == 0


def test_words_that_are_still_being_said_are_not_counted() -> None:
    words = segment(0, Role.CUSTOMER, "it is [PHONE]")
    partial = TranscriptSegment(call_id="a", call=FACTS, segment=words, final=False)
    assert gave(partial).counted(MASKED, lane="live", kind="phone") == 0
    final = partial.model_copy(update={"final": True})
    assert gave(partial, final).counted(MASKED, lane="live", kind="phone") == 1


def test_an_alert_counts_by_its_rule_and_a_batch_call_by_its_hits() -> None:
    alert = CallAlert(
        call_id="a", alert_id="1", call=FACTS, kind=AlertKind.SENSITIVE_WORD, name="refund", title="r", at_ms=1,
        raised_at=START,
    )  # fmt: skip
    hit = ComplianceHit(kind=ComplianceKind.MISSING_PHRASE, name="greeting")
    mined = insight("a", facts=FACTS).model_copy(update={"compliance": (hit,)})
    meter = gave(alert, mined)
    scenario = FACTS.scenario or ""
    assert meter.counted(RULE_HITS, kind="sensitive_word", rule="refund", lane="live", scenario=scenario) == 1
    assert meter.counted(RULE_HITS, kind="missing_phrase", rule="greeting", lane="batch", scenario=scenario) == 1


def test_hits_of_a_live_call_were_told_as_alerts_and_are_not_counted_again() -> None:
    hit = ComplianceHit(kind=ComplianceKind.SENSITIVE_WORD, name="refund")
    mined = insight("a", facts=FACTS).model_copy(update={"compliance": (hit,), "lane": Lane.LIVE})
    scenario = FACTS.scenario or ""
    assert gave(mined).counted(RULE_HITS, kind="sensitive_word", rule="refund", lane="live", scenario=scenario) == 0


def test_a_call_that_is_mined_again_counts_once() -> None:
    first = insight("a", facts=FACTS)
    result = str(first.outcome_inferred.result) if first.outcome_inferred else ""
    again = first.model_copy(update={"revision": 2})
    assert gave(first, again).counted(MINED, lane="batch", scenario=FACTS.scenario or "", result=result) == 1
