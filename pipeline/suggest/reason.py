"""Why a card is suggested, in one line of the call's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.scenarios.model import Edition
from pipeline.suggest.triggers import Firing
from schemas.insight import Evidence
from schemas.wire import Role, Sentiment

_LONGEST_QUOTE: Final = 120


@dataclass(frozen=True, slots=True)
class _Phrases:
    said: str
    sides: Mapping[Role, str]
    outcome: str
    missing: str
    topic: str
    tone: str
    tones: Mapping[Sentiment, str]


_PHRASES: Final[Mapping[str, _Phrases]] = {
    "en": _Phrases(
        said="{side} said: '{quote}'",
        sides={Role.CUSTOMER: "customer", Role.AGENT: "agent", Role.SUPERVISOR: "supervisor", Role.UNKNOWN: "somebody"},
        outcome="the call seems to have ended as: {title}",
        missing="was not said: {title}",
        topic="the talk is about: {title}",
        tone="the customer's tone is {tone}",
        tones={Sentiment.NEGATIVE: "negative", Sentiment.NEUTRAL: "neutral", Sentiment.POSITIVE: "positive"},
    ),
    "zh": _Phrases(
        said="{side}说：“{quote}”",  # noqa: RUF001 - Chinese marks
        sides={Role.CUSTOMER: "客户", Role.AGENT: "坐席", Role.SUPERVISOR: "主管", Role.UNKNOWN: "有人"},
        outcome="通话结果似乎是：{title}",  # noqa: RUF001 - Chinese marks
        missing="没有说到：{title}",  # noqa: RUF001 - Chinese marks
        topic="谈到的话题：{title}",  # noqa: RUF001 - Chinese marks
        tone="客户的情绪是{tone}",
        tones={Sentiment.NEGATIVE: "负面的", Sentiment.NEUTRAL: "中性的", Sentiment.POSITIVE: "正面的"},
    ),
}
_DEFAULT: Final = "en"


def reason(firing: Firing, edition: Edition) -> str:
    """What the card stands on: a phrase that is missing, the outcome, the words that were said, or topic and tone.

    A language without phrases of its own gets the English ones around its quotes and titles.
    """
    phrases = _phrases(edition)
    trigger = firing.card.trigger
    if trigger.missing_phrase is not None:
        titles = {phrase.name: phrase.title for phrase in edition.words.required_phrases}
        return phrases.missing.format(title=titles.get(trigger.missing_phrase, trigger.missing_phrase))
    if trigger.outcome is not None:
        outcome = edition.taxonomy.outcome(trigger.outcome)
        return phrases.outcome.format(title=outcome.title if outcome else trigger.outcome)
    if firing.evidence:
        return said(min(firing.evidence, key=lambda evidence: evidence.start_ms), edition)
    if trigger.topic is not None:
        topics = {topic.name: topic.title for topic in edition.taxonomy.topics}
        return phrases.topic.format(title=topics.get(trigger.topic, trigger.topic))
    return phrases.tone.format(tone=phrases.tones[trigger.sentiment or Sentiment.NEUTRAL])


def said(evidence: Evidence, edition: Edition) -> str:
    """Who said what, in a line."""
    phrases = _phrases(edition)
    return phrases.said.format(side=phrases.sides[evidence.role], quote=_shortened(evidence.quote))


def _phrases(edition: Edition) -> _Phrases:
    return _PHRASES.get(edition.language.partition("-")[0], _PHRASES[_DEFAULT])


def _shortened(quote: str) -> str:
    line = " ".join(quote.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"
