"""A plain summary from the facts alone, for when no language model writes one; and what a model wrote, made fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pipeline.extract.findings import Conversation, FoundIntent
from pipeline.extract.whole_summary import LONGEST, bounded
from pipeline.extract.wording import wording
from pipeline.privacy.masking import mask
from pipeline.scenarios.model import Edition
from schemas.insight import InferredOutcome
from schemas.transcript import Segment
from schemas.wire import Role

_CUT_PLACEHOLDER: Final = re.compile(r"\[[A-Z]*\u2026$")


def plain_summary(intents: Sequence[FoundIntent], outcome: InferredOutcome | None, conversation: Conversation) -> str:
    """What was talked about, what each side said, how it ended; in the edition's language."""
    edition = conversation.edition
    words = wording(edition.language)
    if not intents:
        return words.nothing_found
    defined = {intent.name: intent for intent in edition.taxonomy.intents}
    titles = {topic.name: topic.title for topic in edition.taxonomy.topics}
    sentences = [words.topics.format(topics=words.listed([titles[defined[found.name].topic] for found in intents]))]
    for role in dict.fromkeys(found.evidence.role for found in intents):
        said = [defined[found.name].title for found in intents if found.evidence.role is role]
        sentences.append(words.side.format(role=words.roles[role], intents=words.listed(said)))
    if outcome is not None and (ending := edition.taxonomy.outcome(outcome.name)) is not None:
        sentences.append(words.outcome.format(outcome=ending.title))
    return words.joint.join(sentences)


def empty_summary(edition: Edition, reason: str | None) -> str:
    """The summary of a conversation without a word."""
    words = wording(edition.language)
    return words.empty.format(reason=reason or "the transcript is empty")


def presentable(text: str, language: str, *, longest: int = LONGEST) -> str:
    """What a model says in its own words: one line, not longer than this, and masked as what was said is.

    A model is shown masked words alone, but may put together a number whose parts are none, or make one up.
    """
    line = " ".join(text.split())
    (masked,) = mask([Segment(segment_id="text", role=Role.UNKNOWN, start_ms=0, end_ms=0, text=line)], language)
    return _CUT_PLACEHOLDER.sub("\u2026", bounded(masked.text, longest))
