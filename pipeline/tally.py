"""What events say in figures: audio that was heard, what was masked, rules that were broken, what became of advice.

Every event passes the runtime, so it is counted there, for all stages and both lanes, once it has been handled.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.figures import AUDIO_SECONDS, FEEDBACK, MASKED, MINED, OUTCOMES, PHANTOM_SECONDS, RULE_HITS
from pipeline.handling import Inbound, Outbound
from pipeline.ports import Meter
from pipeline.privacy.placeholders import Placeholder
from schemas.audio import AudioChunk, Encoding
from schemas.call import CallOutcome
from schemas.compliance import CallAlert
from schemas.insight import CallInsight
from schemas.suggestion import SuggestionFeedback, SuggestionKind
from schemas.transcript import Segment, TranscriptCompleted, TranscriptSegment
from schemas.wire import Lane

_PASSAGE: Final = "kb:"
"""What the ``card_id`` of a passage of the knowledge base begins with."""
_MS: Final = 1_000


class Tally:
    """Counts what the events of one stage say.

    Args:
        meter: where the figures go.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def took(self, inbound: Inbound) -> None:
        """An event that a stage has handled: live audio, what an agent did with a suggestion, how a call ended."""
        match inbound.payload:
            case AudioChunk() as chunk:
                self._meter.count(AUDIO_SECONDS, _seconds(chunk, len(inbound.body)), lane=str(Lane.LIVE))
            case SuggestionFeedback(card_id=card, kind=did):
                what = SuggestionKind.KNOWLEDGE if card.startswith(_PASSAGE) else SuggestionKind.CARD
                self._meter.count(FEEDBACK, kind=str(what), did=str(did))
            case CallOutcome(result=result):
                self._meter.count(OUTCOMES, result=str(result))
            case _:
                pass

    def gave(self, outputs: Sequence[Outbound]) -> None:
        """Events that a stage gives: words, alerts, what was mined of a call."""
        for output in outputs:
            match output.message.payload:
                case TranscriptSegment(final=True, segment=segment):
                    self._masked([segment], Lane.LIVE)
                case CallAlert(kind=kind, name=name, call=call):
                    self._hit(str(kind), name, Lane.LIVE, call.scenario)
                case TranscriptCompleted(lane=Lane.BATCH) as whole:
                    self._transcribed(whole)
                case CallInsight(revision=1) as insight:
                    self._mined(insight)
                case _:
                    pass

    def _transcribed(self, whole: TranscriptCompleted) -> None:
        if whole.hearing is not None:  # a conversation that came as words was not heard
            self._meter.count(AUDIO_SECONDS, whole.hearing.heard_ms / _MS, lane=str(Lane.BATCH))
            for reason, length_ms in whole.hearing.cuts.items():
                self._meter.count(PHANTOM_SECONDS, length_ms / _MS, lane=str(Lane.BATCH), reason=reason)
        self._masked(whole.segments, Lane.BATCH)

    def _mined(self, insight: CallInsight) -> None:
        ended, scenario = insight.outcome_inferred, insight.call.scenario or ""
        result = str(ended.result) if ended else ""
        self._meter.count(MINED, lane=str(insight.lane), scenario=scenario, result=result)
        if insight.lane is Lane.BATCH:  # those of a live call were told as alerts
            for hit in insight.compliance:
                self._hit(str(hit.kind), hit.name, Lane.BATCH, scenario)

    def _masked(self, segments: Iterable[Segment], lane: Lane) -> None:
        for segment in segments:
            if "[" in segment.text:
                for placeholder in Placeholder:
                    if found := segment.text.count(placeholder.value):
                        self._meter.count(MASKED, found, lane=str(lane), kind=placeholder.kind)

    def _hit(self, kind: str, rule: str, lane: Lane, scenario: str | None) -> None:
        self._meter.count(RULE_HITS, kind=kind, rule=rule, lane=str(lane), scenario=scenario or "")


def _seconds(chunk: AudioChunk, size: int) -> float:
    """Seconds of a chunk of so many bytes, over all of its channels: a sample is two bytes in L16, else one."""
    sample = 2 if chunk.raw.encoding is Encoding.L16 else 1
    return size / (sample * chunk.raw.sample_rate_hz)
