"""Why a card is suggested, in one line of the call's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.scenarios.model import Edition
from pipeline.suggest.triggers import Firing, step_to
from schemas.flow import Guidance
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
    asked: str
    next_step: str
    next_at_start: str
    superseded: str
    ended: str


_PHRASES: Final[Mapping[str, _Phrases]] = {
    "en": _Phrases(
        said="{side} said: '{quote}'",
        sides={Role.CUSTOMER: "customer", Role.AGENT: "agent", Role.SUPERVISOR: "supervisor", Role.UNKNOWN: "somebody"},
        outcome="the call seems to have ended as: {title}",
        missing="was not said: {title}",
        topic="the talk is about: {title}",
        tone="the customer's tone is {tone}",
        tones={Sentiment.NEGATIVE: "negative", Sentiment.NEUTRAL: "neutral", Sentiment.POSITIVE: "positive"},
        asked="customer asked: '{quote}'",
        next_step="after '{before}', {percent} % of {seen} times the next was: {title}",
        next_at_start="as calls begin, {percent} % of {seen} times the next was: {title}",
        superseded="another one takes its place: {title}",
        ended="the call has ended",
    ),
    "zh": _Phrases(
        said="{side}说：“{quote}”",  # noqa: RUF001 - Chinese marks
        sides={Role.CUSTOMER: "客户", Role.AGENT: "坐席", Role.SUPERVISOR: "主管", Role.UNKNOWN: "有人"},
        outcome="通话结果似乎是：{title}",  # noqa: RUF001 - Chinese marks
        missing="没有说到：{title}",  # noqa: RUF001 - Chinese marks
        topic="谈到的话题：{title}",  # noqa: RUF001 - Chinese marks
        tone="客户的情绪是{tone}",
        tones={Sentiment.NEGATIVE: "负面的", Sentiment.NEUTRAL: "中性的", Sentiment.POSITIVE: "正面的"},
        asked="客户问：“{quote}”",  # noqa: RUF001 - Chinese marks
        next_step="在“{before}”之后，{seen} 次中有 {percent} % 接着是：{title}",  # noqa: RUF001 - Chinese marks
        next_at_start="通话开始时，{seen} 次中有 {percent} % 接着是：{title}",  # noqa: RUF001 - Chinese marks
        superseded="已由另一条建议代替：{title}",  # noqa: RUF001 - Chinese marks
        ended="通话已结束",
    ),
}
_DEFAULT: Final = "en"
_SEPARATOR: Final = " › "  # noqa: RUF001 - the mark that people know from paths of pages


def reason(firing: Firing, edition: Edition) -> str:
    """What the card stands on: a missing phrase, the outcome, a next step, the words that were said, topic and tone.

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
    if trigger.next_step is not None and firing.guidance is not None:
        return _went_on(firing.guidance, trigger.next_step, edition)
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


def asked(question: str, edition: Edition) -> str:
    """What the customer asked, in a line."""
    return _phrases(edition).asked.format(quote=_shortened(question))


def superseded(title: str, edition: Edition) -> str:
    """Why a suggestion gives way to another one."""
    return _phrases(edition).superseded.format(title=title)


def ended(edition: Edition) -> str:
    """Why nothing stands on the agent's screen any more."""
    return _phrases(edition).ended


def _went_on(guidance: Guidance, label: str, edition: Edition) -> str:
    """What was seen to follow, as a share of how often: which is not what is going to be, and not why."""
    phrases, step = _phrases(edition), step_to(label, guidance)
    share = step.seen / guidance.seen if step is not None and guidance.seen else 0.0
    context = [name for name in guidance.context if not name.startswith("(")]  # the mark of the start is no step
    wording = phrases.next_step if context else phrases.next_at_start
    return wording.format(
        before=_SEPARATOR.join(_title_of(name, edition) for name in context),
        percent=round(100 * min(1.0, share)),
        seen=round(guidance.seen),
        title=_title_of(label, edition),
    )


def _title_of(name: str, edition: Edition) -> str:
    intent = edition.taxonomy.intent(name)
    return intent.title if intent is not None else name


def _phrases(edition: Edition) -> _Phrases:
    return _PHRASES.get(edition.language.partition("-")[0], _PHRASES[_DEFAULT])


def _shortened(quote: str) -> str:
    line = " ".join(quote.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[: _LONGEST_QUOTE - 1]}…"
