"""What agents and customers get of it: taken, won, answered, kept safe."""

from __future__ import annotations

from typing import Final

from dashboards.expressions import grown, grown_share, pace, quantile
from dashboards.panels import Dashboard, panel, stat

EFFECT: Final = Dashboard(
    uid="convmine-effect",
    title="convmine: effect",
    says="What agents and customers get of it: taken, won, answered, kept safe.",
    since="now-7d",
    panels=(
        stat(
            "Suggestions taken, in a day",
            "percentunit",
            grown_share(
                'convmine_suggestion_feedback_total{did=~"accepted|edited"}',
                'convmine_suggestion_feedback_total{did="shown"}',
                window="1d",
            ),
        ),
        stat(
            "Calls won, in a day",
            "percentunit",
            grown_share(
                'convmine_outcomes_observed_total{result="won"}',
                'convmine_outcomes_observed_total{result=~"won|lost"}',
                window="1d",
            ),
            "Of those observed as won or lost.",
        ),
        stat(
            "Questions answered, in a day",
            "percentunit",
            grown_share("convmine_kb_hit_total", "convmine_kb_asked_total", window="1d"),
        ),
        stat("Calls mined in a day", "short", grown("convmine_calls_mined_total", window="1d")),
        panel(
            "Suggestions taken",
            "percentunit",
            (
                grown_share(
                    'convmine_suggestion_feedback_total{did=~"accepted|edited"}',
                    'convmine_suggestion_feedback_total{did="shown"}',
                    "kind",
                    window="6h",
                ),
                "{{kind}}",
            ),
            says="As they were or in the agent's own words.",
        ),
        panel(
            "Suggestions dismissed",
            "percentunit",
            (
                grown_share(
                    'convmine_suggestion_feedback_total{did="dismissed"}',
                    'convmine_suggestion_feedback_total{did="shown"}',
                    "kind",
                    window="6h",
                ),
                "{{kind}}",
            ),
        ),
        panel(
            "What agents did, an hour",
            "short",
            (grown("convmine_suggestion_feedback_total", "did"), "{{did}}"),
        ),
        panel(
            "Won, as observed",
            "percentunit",
            (
                grown_share(
                    'convmine_outcomes_observed_total{result="won"}',
                    'convmine_outcomes_observed_total{result=~"won|lost"}',
                    window="1d",
                ),
                "won",
            ),
        ),
        panel(
            "Won, as it seems",
            "percentunit",
            (
                grown_share(
                    'convmine_calls_mined_total{result="won"}',
                    'convmine_calls_mined_total{result=~"won|lost"}',
                    "scenario",
                    window="6h",
                ),
                "{{scenario}}",
            ),
            says="Inferred by the model; never counted with what was observed.",
        ),
        panel(
            "Calls mined an hour",
            "short",
            (grown("convmine_calls_mined_total", "lane, scenario"), "{{lane}} {{scenario}}"),
        ),
        panel(
            "Questions that a passage answers",
            "percentunit",
            (
                grown_share("convmine_kb_hit_total", "convmine_kb_asked_total", "scenario, language", window="6h"),
                "{{scenario}} {{language}}",
            ),
        ),
        panel(
            "Relevance of the best passage, median",
            "percentunit",
            (quantile(0.5, "convmine_kb_relevance", "scenario", window="6h"), "{{scenario}}"),
        ),
        panel("Customer data", "short", (grown("convmine_customers_asked_total", "outcome"), "{{outcome}}")),
        panel(
            "Sensitive words and phrases, an hour",
            "short",
            (grown("convmine_rule_hits_total", "kind, lane"), "{{kind}} {{lane}}"),
        ),
        panel(
            "The rules that are met most",
            "short",
            ("topk(10, sum by (rule) (increase(convmine_rule_hits_total[1d])))", "{{rule}}"),
        ),
        panel(
            "Masked an hour, by kind",
            "short",
            (grown("convmine_masked_items_total", "kind, lane"), "{{kind}} {{lane}}"),
        ),
        panel(
            "Hours of audio an hour", "short", (pace("convmine_audio_seconds_total", "lane", window="1h"), "{{lane}}")
        ),
        panel(
            "Phantom words",
            "s",
            (grown("convmine_phantom_seconds_total", "reason, lane"), "{{reason}} {{lane}}"),
            says="Speech whose words were cut, as a recogniser makes such up of noise.",
        ),
        panel(
            "Webhooks, by what became of them",
            "short",
            (grown("convmine_webhook_requests_total", "receiver, outcome"), "{{receiver}} {{outcome}}"),
        ),
        panel(
            "Published and not taken up",
            "short",
            (grown("convmine_config_refused_total", "kind"), "{{kind}}"),
        ),
    ),
)
