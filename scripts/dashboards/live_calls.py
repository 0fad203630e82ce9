"""Live calls: from the first byte of audio to the suggestion on the screen."""

from __future__ import annotations

from typing import Final

from dashboards.expressions import grown, pace, quantile
from dashboards.panels import Dashboard, panel, stat

LIVE: Final = Dashboard(
    uid="convmine-live",
    title="convmine: live calls",
    says="From the first byte of audio to the suggestion on the screen.",
    since="now-1h",
    panels=(
        stat("Calls that come in", "short", "sum(convmine_gateway_calls)"),
        stat("Screens", "short", 'sum(convmine_gateway_streams{job=~"convmine-.*"})'),
        stat("Suggestion after the words, p95", "s", quantile(0.95, "convmine_suggest_delay_seconds", "job")),
        stat("Kafka away", "short", "max(convmine_gateway_kafka_away)", "1 while calls cannot come in."),
        panel(
            "Words to suggestion",
            "s",
            (quantile(0.5, "convmine_suggest_delay_seconds", "scenario"), "p50 {{scenario}}"),
            ("scenario:convmine_suggest_delay_seconds:p95_5m", "p95 {{scenario}}"),
        ),
        panel(
            "Behind",
            "s",
            ('stage:convmine_behind_seconds{lane="live"} < +Inf', "{{stage}}"),
            says="asr holds speech that has not ended.",
        ),
        panel("Seconds of an event, p95", "s", ('stage:convmine_handler_seconds:p95_5m{lane="live"}', "{{stage}}")),
        panel(
            "Audio heard",
            "short",
            (pace('convmine_audio_seconds_total{lane="live"}'), "seconds a second"),
            says="Channels that speak or are silent now.",
        ),
        panel(
            "Words so far",
            "short",
            (pace("convmine_live_drafts_total", "outcome"), "{{outcome}}"),
            says="Of whoever speaks, a second; missed where the engine is behind.",
        ),
        panel(
            "Audio that came",
            "bytes",
            (pace("convmine_gateway_received_bytes_total", "way"), "{{way}}"),
            says="Bytes a second.",
        ),
        panel(
            "Audio that came too late",
            "s",
            (grown("convmine_gateway_late_seconds_total", "way", window="5m"), "{{way}}"),
        ),
        panel(
            "Suggestions a minute",
            "short",
            (
                '60 * sum by (kind, scenario) (rate(convmine_suggestions_total{lane="live"}[5m]))',
                "{{kind}} {{scenario}}",
            ),
        ),
        panel(
            "Withheld a minute, by reason",
            "short",
            ("60 * sum by (reason) (rate(convmine_suggestions_withheld_total[5m]))", "{{reason}}"),
        ),
        panel(
            "Withdrawn a minute, by reason",
            "short",
            ("60 * sum by (reason) (rate(convmine_suggestions_withdrawn_total[5m]))", "{{reason}}"),
        ),
        panel(
            "Requests a second, by status",
            "reqps",
            (pace("convmine_gateway_requests_total", "job, status"), "{{job}} {{status}}"),
        ),
        panel(
            "Seconds of a request, p95",
            "s",
            (quantile(0.95, "convmine_gateway_seconds", "job, page", 'page!~".*stream.*"'), "{{job}} {{page}}"),
        ),
        panel("Requests being answered", "short", ("sum by (job) (convmine_gateway_at_work)", "{{job}}")),
        panel("Sockets with audio", "short", ("sum by (way) (convmine_gateway_audio_sockets)", "{{way}}")),
        panel(
            "Sockets closed, by code",
            "short",
            (grown("convmine_gateway_closed_sockets_total", "way, code", window="5m"), "{{way}} {{code}}"),
        ),
        panel("Bytes that wait for Kafka", "bytes", ("sum(convmine_gateway_waiting_bytes)", "waiting")),
        panel("Streams", "short", ("sum by (job, way) (convmine_gateway_streams)", "{{job}} {{way}}")),
        panel(
            "Streams that ended, by reason",
            "short",
            (grown("convmine_gateway_streams_ended_total", "reason", window="5m"), "{{reason}}"),
        ),
        panel(
            "Events read for streams, and passed over",
            "reqps",
            (pace("convmine_gateway_stream_events_total", "event"), "{{event}}"),
            (pace("convmine_gateway_stream_skipped_total", "reason"), "{{reason}}"),
        ),
    ),
)
