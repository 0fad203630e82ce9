"""Every payload by its name: what a reader knows, and what the JSON Schema files are generated from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas import audio, call, compliance, flow, insight, recap, reference, suggestion, transcript, webhook
from schemas.wire import Payload

PAYLOADS: Final[Mapping[str, type[Payload]]] = MappingProxyType(
    {
        model.event_name: model
        for model in (
            call.CallStarted,
            call.CallUpdated,
            call.CallHeld,
            call.CallResumed,
            call.CallEnded,
            call.CallOutcome,
            call.CallFailed,
            audio.RecordingAvailable,
            audio.AudioChunk,
            transcript.ConversationMessage,
            transcript.TranscriptSegment,
            transcript.TranscriptGap,
            transcript.TranscriptCompleted,
            insight.IntentExtracted,
            insight.CallInsight,
            flow.FlowState,
            flow.FlowPath,
            flow.FlowGraph,
            suggestion.SuggestionCreated,
            suggestion.SuggestionWithdrawn,
            suggestion.SuggestionFeedback,
            compliance.ChecklistUpdated,
            compliance.CallAlert,
            recap.CallRecap,
            webhook.WebhookPending,
            reference.ScenarioPublished,
            reference.PromptPublished,
            reference.ConfigRunning,
            reference.CardPublished,
            reference.CardStatistics,
            reference.ErasureRequested,
        )
    }
)
