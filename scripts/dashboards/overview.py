"""Every stage: what waits, what is done, how long it takes, what fails."""

from __future__ import annotations

from typing import Final

from dashboards.expressions import OF_STAGE, grown, pace, quantile
from dashboards.panels import Dashboard, Variable, panel, stat

OVERVIEW: Final = Dashboard(
    uid="convmine-overview",
    title="convmine: overview",
    says="Every stage: what waits, what is done, how long it takes, what fails.",
    variables=(Variable("stage", "convmine_in_flight"), Variable("lane", "convmine_in_flight")),
    panels=(
        stat("Alerts", "short", 'count(ALERTS{alertstate="firing", alertname=~"Convmine.*"}) or vector(0)'),
        stat("Workers", "short", "count(count by (instance) (convmine_last_progress_seconds))"),
        stat("Events that wait now", "short", "sum(stage:convmine_lag:sum)"),
        stat("Dead letters in a day", "short", grown('convmine_events_total{outcome="dead"}', window="1d")),
        panel("Events that wait", "short", (f"stage:convmine_lag:sum{{{OF_STAGE}}}", "{{stage}} {{lane}}")),
        panel(
            "Time that they will take",
            "s",
            (f"stage:convmine_behind_seconds{{{OF_STAGE}}} < +Inf", "{{stage}} {{lane}}"),
            says="At the present pace. No line: events wait and none is handled.",
        ),
        panel(
            "Events handled a second", "reqps", (f"stage:convmine_handled:rate5m{{{OF_STAGE}}}", "{{stage}} {{lane}}")
        ),
        panel(
            "Seconds of an event, p50",
            "s",
            (quantile(0.5, "convmine_handler_seconds", "stage, lane", OF_STAGE), "{{stage}} {{lane}}"),
        ),
        panel(
            "Seconds of an event, p95",
            "s",
            (f"stage:convmine_handler_seconds:p95_5m{{{OF_STAGE}}}", "{{stage}} {{lane}}"),
        ),
        panel(
            "In flight",
            "short",
            (f"sum by (stage, lane) (convmine_in_flight{{{OF_STAGE}}})", "{{stage}} {{lane}}"),
        ),
        panel(
            "Attempts that failed, dead letters, a second",
            "reqps",
            (
                pace(f'convmine_events_total{{outcome=~"retried|dead", {OF_STAGE}}}', "stage, lane, outcome"),
                "{{stage}} {{lane}} {{outcome}}",
            ),
        ),
        panel(
            "Dependencies that are away",
            "short",
            ("count by (dependency) (convmine_dependency_away == 1)", "{{dependency}}"),
            says="Stages of workers that wait for each.",
        ),
        panel(
            "Seconds since an event was taken or settled",
            "s",
            (f"time() - max by (stage, lane) (convmine_last_progress_seconds{{{OF_STAGE}}})", "{{stage}} {{lane}}"),
            says="Long where nothing comes; it matters where events wait.",
        ),
        panel(
            "Assignments of partitions",
            "short",
            (grown("convmine_rebalances_total", "stage, lane", window="15m"), "{{stage}} {{lane}}"),
        ),
        panel(
            "CPU",
            "short",
            (
                pace('process_cpu_seconds_total{job=~"convmine-.*"}', "job, instance"),
                "{{job}} {{instance}}",
            ),
            says="Cores.",
        ),
        panel("Memory", "bytes", ('process_resident_memory_bytes{job=~"convmine-.*"}', "{{job}} {{instance}}")),
    ),
)
