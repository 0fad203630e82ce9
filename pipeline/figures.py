"""What the domain measures: each figure with its labels, as ``docs/metrics.md`` lists them; no label is ever a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

TOKENS: Final = "gen_ai_client_token_usage"
SECONDS: Final = "gen_ai_client_operation_duration_seconds"
COST: Final = "convmine_llm_cost_usd"
UNPRICED: Final = "convmine_llm_unpriced"
WAITED: Final = "convmine_llm_wait_seconds"
LIMITED: Final = "convmine_llm_limited"
SPENT: Final = "convmine_llm_budget_spent"
ENDS: Final = "convmine_llm_answers"
REASKS: Final = "convmine_extract_reasks"
DROPPED: Final = "convmine_extract_dropped_ungrounded"
FALLBACKS: Final = "convmine_extract_fallback"
DISAGREEMENT: Final = "convmine_extract_disagreement"
CONFIG_REFUSED: Final = "convmine_config_refused"
WEBHOOK_REQUESTS: Final = "convmine_webhook_requests"
WEBHOOK_SECONDS: Final = "convmine_webhook_request_seconds"
KB_ASKED: Final = "convmine_kb_asked"
KB_HIT: Final = "convmine_kb_hit"
KB_RELEVANCE: Final = "convmine_kb_relevance"
SUGGESTED: Final = "convmine_suggestions"
SUGGEST_WITHHELD: Final = "convmine_suggestions_withheld"
SUGGEST_WITHDRAWN: Final = "convmine_suggestions_withdrawn"
SUGGEST_PHRASED: Final = "convmine_suggest_phrasing"
SUGGEST_SECONDS: Final = "convmine_suggest_delay_seconds"
FEEDBACK: Final = "convmine_suggestion_feedback"
AUDIO_SECONDS: Final = "convmine_audio_seconds"
MASKED: Final = "convmine_masked_items"
RULE_HITS: Final = "convmine_rule_hits"
MINED: Final = "convmine_calls_mined"
OUTCOMES: Final = "convmine_outcomes_observed"
KEPT_ANSWERS: Final = "convmine_kept_answers"
CUSTOMERS_ASKED: Final = "convmine_customers_asked"
PHANTOM_SECONDS: Final = "convmine_phantom_seconds"
LIVE_DRAFTS: Final = "convmine_live_drafts"
LIVE_HELD_BACK: Final = "convmine_live_held_back_seconds"
LIVE_DROPPED: Final = "convmine_live_chunks_dropped"

_ASKED: Final = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
_FOR: Final = ("stage", "scenario", "prompt_version")
# Recommended by OpenTelemetry's semantic conventions for generative AI clients: powers of 4, and of 2 times 10 ms.
_TOKEN_BOUNDS: Final = tuple(float(4**power) for power in range(14))
_SECOND_BOUNDS: Final = tuple(round(0.01 * 2**power, 2) for power in range(14))
_WAIT_BOUNDS: Final = (0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)
_DELAY_BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)
_SHARE_BOUNDS: Final = tuple(round(0.1 * tenth, 1) for tenth in range(11))


@dataclass(frozen=True, slots=True)
class Figure:
    """A counter, or a histogram where it has ``bounds``; labels that are not given are empty."""

    name: str
    says: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()


FIGURES: Final[tuple[Figure, ...]] = (
    Figure(TOKENS, "Tokens of an answer, sent and received.", (*_ASKED, "gen_ai_token_type", *_FOR), _TOKEN_BOUNDS),
    Figure(SECONDS, "Seconds that an answer took.", (*_ASKED, "error_type", *_FOR), _SECOND_BOUNDS),
    Figure(COST, "US dollars, as far as prices are known.", ("gen_ai_request_model", *_FOR)),
    Figure(UNPRICED, "Answers of models without a price.", ("gen_ai_request_model",)),
    Figure(ENDS, "Answers by how they ended.", ("end", *_FOR)),
    Figure(WAITED, "Seconds that a request waited for its turn.", ("stage",), _WAIT_BOUNDS),
    Figure(LIMITED, "Requests that the server refused for their rate.", ("stage",)),
    Figure(SPENT, "Requests that were not sent as a cap was reached.", ("cap", "stage", "scenario")),
    Figure(REASKS, "Answers that were asked for again as they were not valid.", ("scenario", "prompt_version")),
    Figure(DROPPED, "Items whose evidence was not said.", ("scenario", "prompt_version")),
    Figure(FALLBACKS, "Conversations that the lexical extractor mined instead.", ("cause",)),
    Figure(DISAGREEMENT, "Share of the intents that only one extractor found.", ("scenario",), _SHARE_BOUNDS),
    Figure(
        CONFIG_REFUSED, "Published scenarios, prompts and cards that are not taken up as they do not fit.", ("kind",)
    ),
    Figure(WEBHOOK_REQUESTS, "Events sent to receivers of webhooks, by what became of them.", ("receiver", "outcome")),
    Figure(WEBHOOK_SECONDS, "Seconds that a receiver of webhooks took.", ("receiver",), _SECOND_BOUNDS),
    Figure(KB_ASKED, "Questions asked of the knowledge base.", ("scenario", "language")),
    Figure(KB_HIT, "Questions that a passage answers.", ("scenario", "language")),
    Figure(KB_RELEVANCE, "Relevance of the best passage, 0 to 1.", ("scenario", "language"), _SHARE_BOUNDS),
    Figure(SUGGESTED, "Suggestions made.", ("kind", "lane", "scenario")),
    Figure(SUGGEST_WITHHELD, "Advice that fitted and was not shown.", ("reason", "scenario")),
    Figure(SUGGEST_WITHDRAWN, "Suggestions that were taken back.", ("reason", "scenario")),
    Figure(SUGGEST_PHRASED, "Wordings asked of a language model by how that ended.", ("outcome", "scenario")),
    Figure(SUGGEST_SECONDS, "Seconds from the words' event to the suggestion.", ("scenario",), _DELAY_BOUNDS),
    Figure(FEEDBACK, "What agents did with suggestions.", ("kind", "did")),
    Figure(AUDIO_SECONDS, "Seconds of audio that were heard, over all channels.", ("lane",)),
    Figure(MASKED, "Personal numbers and addresses that were masked in words.", ("lane", "kind")),
    Figure(RULE_HITS, "Sensitive words, forbidden and missing phrases.", ("kind", "rule", "lane", "scenario")),
    Figure(MINED, "Calls that were mined, by how they seem to have ended.", ("lane", "scenario", "result")),
    Figure(OUTCOMES, "Outcomes that were observed.", ("result",)),
    Figure(KEPT_ANSWERS, "Answers that were looked for among those kept.", ("of", "outcome")),
    Figure(CUSTOMERS_ASKED, "Times that the customer data was asked.", ("outcome",)),
    Figure(PHANTOM_SECONDS, "Seconds of speech whose words were taken for phantoms.", ("lane", "reason")),
    Figure(LIVE_DRAFTS, "Words so far of whoever speaks, by what became of them.", ("outcome",)),
    Figure(LIVE_HELD_BACK, "Seconds that a segment waited for the rest of a number.", (), _DELAY_BOUNDS),
    Figure(LIVE_DROPPED, "Chunks of live audio that came again or too late.", ()),
)


_LABELS: Final = {figure.name: figure.labels for figure in FIGURES}


def label_values(name: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """The values of a figure's labels in their order.

    Raises:
        KeyError: there is no such figure.
        ValueError: it has no such label.
    """
    known = _LABELS[name]
    if unknown := labels.keys() - set(known):
        raise ValueError(f"{name} has no label {', '.join(sorted(unknown))}")
    return tuple(labels.get(label, "") for label in known)


class NoMeter:
    """A ``Meter`` for whoever measures nothing."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Nothing is kept."""

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Nothing is kept."""
