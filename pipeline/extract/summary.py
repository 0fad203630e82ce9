"""A plain summary from the facts alone, for when no language model writes one."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.extract.findings import Conversation, FoundIntent
from pipeline.extract.wording import wording
from pipeline.scenarios.model import Edition
from schemas.insight import InferredOutcome


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
