"""The language model: tokens, money and what the answers were worth."""

from __future__ import annotations

from typing import Final

from dashboards.expressions import grown, grown_share, pace, quantile, share
from dashboards.panels import Dashboard, Variable, panel, stat

LLM: Final = Dashboard(
    uid="convmine-llm",
    title="convmine: language model",
    says="Tokens, money and what the answers were worth, by scenario and version of the prompt.",
    since="now-24h",
    variables=(Variable("scenario", "convmine_llm_answers_total"),),
    panels=(
        stat("Money in a day", "currencyUSD", grown("convmine_llm_cost_usd_total", window="1d")),
        stat("Tokens in a day", "short", grown("gen_ai_client_token_usage_sum", window="1d")),
        stat(
            "Mined by word lists instead",
            "short",
            "sum(increase(convmine_extract_fallback_total[1d])) or vector(0)",
            "Calls in a day.",
        ),
        stat(
            "Not sent, as a cap was reached",
            "short",
            "sum(increase(convmine_llm_budget_spent_total[1d])) or vector(0)",
            "Requests in a day.",
        ),
        panel(
            "Money an hour, by scenario",
            "currencyUSD",
            (grown('convmine_llm_cost_usd_total{scenario=~"$scenario"}', "scenario"), "{{scenario}}"),
        ),
        panel(
            "Money a call that was mined",
            "currencyUSD",
            (
                grown_share("convmine_llm_cost_usd_total", "convmine_calls_mined_total", "scenario"),
                "{{scenario}}",
            ),
        ),
        panel(
            "Tokens a second, by kind",
            "short",
            (
                pace('gen_ai_client_token_usage_sum{scenario=~"$scenario"}', "gen_ai_token_type"),
                "{{gen_ai_token_type}}",
            ),
        ),
        panel(
            "Tokens an answer, by version of the prompt",
            "short",
            (
                share(
                    'gen_ai_client_token_usage_sum{scenario=~"$scenario"}',
                    "convmine_llm_answers_total",
                    "scenario, prompt_version",
                    window="1h",
                ),
                "{{scenario}} {{prompt_version}}",
            ),
        ),
        panel(
            "Money an hour, by model and version",
            "currencyUSD",
            (
                grown('convmine_llm_cost_usd_total{scenario=~"$scenario"}', "gen_ai_request_model, prompt_version"),
                "{{gen_ai_request_model}} {{prompt_version}}",
            ),
        ),
        panel(
            "Answers a second, by how they ended",
            "reqps",
            (pace("convmine_llm_answers_total", "end"), "{{end}}"),
        ),
        panel(
            "Seconds of a request",
            "s",
            (quantile(0.5, "gen_ai_client_operation_duration_seconds", "stage"), "p50 {{stage}}"),
            (quantile(0.95, "gen_ai_client_operation_duration_seconds", "stage"), "p95 {{stage}}"),
        ),
        panel(
            "Wait for its turn, p95",
            "s",
            (quantile(0.95, "convmine_llm_wait_seconds", "stage"), "{{stage}}"),
            says="Long: our own limits bind.",
        ),
        panel(
            "Requests that failed",
            "percentunit",
            (
                share(
                    'gen_ai_client_operation_duration_seconds_count{error_type!=""}',
                    "gen_ai_client_operation_duration_seconds_count",
                    "gen_ai_request_model",
                ),
                "{{gen_ai_request_model}}",
            ),
        ),
        panel(
            "Refused for their rate, a second",
            "reqps",
            (pace("convmine_llm_limited_total", "stage"), "{{stage}}"),
        ),
        panel(
            "Not sent, by cap",
            "short",
            (grown("convmine_llm_budget_spent_total", "cap, scenario", window="15m"), "{{cap}} {{scenario}}"),
        ),
        panel(
            "Mined by word lists instead, by cause",
            "short",
            (grown("convmine_extract_fallback_total", "cause", window="15m"), "{{cause}}"),
        ),
        panel(
            "Asked again, of all answers",
            "percentunit",
            (
                share(
                    "convmine_extract_reasks_total",
                    'convmine_llm_answers_total{stage="extract"}',
                    "scenario, prompt_version",
                    "30m",
                ),
                "{{scenario}} {{prompt_version}}",
            ),
        ),
        panel(
            "Items dropped as nobody said them, an answer",
            "short",
            (
                share(
                    "convmine_extract_dropped_ungrounded_total",
                    'convmine_llm_answers_total{stage="extract"}',
                    "scenario, prompt_version",
                    "30m",
                ),
                "{{scenario}} {{prompt_version}}",
            ),
        ),
        panel(
            "Answers that were kept already",
            "percentunit",
            (
                share(
                    'convmine_kept_answers_total{outcome="hit"}',
                    'convmine_kept_answers_total{outcome=~"hit|miss"}',
                    "of",
                ),
                "{{of}}",
            ),
        ),
        panel(
            "Disagreement with the word lists",
            "percentunit",
            (
                share(
                    "convmine_extract_disagreement_sum", "convmine_extract_disagreement_count", "scenario", window="1h"
                ),
                "{{scenario}}",
            ),
            says="Mean share of intents that only one of the two found.",
        ),
        panel(
            "Wordings of suggestions, by what became of them",
            "short",
            (grown("convmine_suggest_phrasing_total", "outcome", window="15m"), "{{outcome}}"),
        ),
        panel(
            "Answers without a price",
            "short",
            (grown("convmine_llm_unpriced_total", "gen_ai_request_model"), "{{gen_ai_request_model}}"),
        ),
    ),
)
