"""What was said in stored calls that no intent of the taxonomy stands on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipeline.discovery.clusters import Said
from pipeline.discovery.content_words import content_words
from pipeline.discovery.text import Text
from pipeline.discovery.trends import CallsByWeek
from pipeline.questions.answering import Answers
from pipeline.questions.condition import Condition
from pipeline.questions.question import Rows
from schemas.insight import Extractor

MOST: Final = 20_000
"""Utterances that clusters are made of at a time; of more, the first by id, which are hashes: a fair sample."""
_PAGE: Final = 5_000
_SURE: Final = 0.5
"""An intent that the lexical extractor gives less probability is likelier none, and covers nothing."""
_NONE: Final = frozenset({"other", "none", "unknown"})
"""Names of intents that only say that there is no name."""
_FEWEST_WORDS: Final = 2
"""Content words below which an utterance is trivial: greetings, yes and no, thanks. Verbs of any request are none of
them, so that "I want to cancel my contract" has two.
"""


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Utterances that no intent covers, and how many were read, covered and too trivial.

    ``calls`` are all those of the utterances read, by week. ``is_sample``: there are more than ``MOST``. ``emptied_by``
    is the condition that left nothing to read.
    """

    said: tuple[Said, ...]
    read: int
    covered: int
    trivial: int
    calls: CallsByWeek
    is_sample: bool = False
    emptied_by: str | None = None


async def uncovered(
    answers: Answers, conditions: Sequence[Condition], role: Literal["customer", "agent", "both"] = "customer"
) -> Uncovered:
    """What these calls have that the taxonomy lacks, in the order of ids.

    Args:
        answers: reads the store, of what the asker may see.
        conditions: all of which hold for the calls.
        role: whose words.

    Raises:
        Retryable: the store, or the gateway before it, is away.
        NoField: a condition cannot be asked.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls.
    """
    covered_ids = {id_ async for intent in _rows(answers, "intents", conditions) for id_ in _covers(intent)}
    of_role = () if role == "both" else (Condition(field="role", values=(role,)),)
    said: list[Said] = []
    calls: dict[str, set[str]] = {}
    read = covered = trivial = 0
    async for row in _rows(answers, "utterances", (*conditions, *of_role)):
        if "emptied_by" in row:
            return Uncovered((), 0, 0, 0, {}, emptied_by=row["emptied_by"])
        if len(said) == MOST:
            return Uncovered(tuple(said), read, covered, trivial, calls, is_sample=True)
        read += 1
        calls.setdefault(row["started_week"] or "", set()).add(row["call_id"])
        if row["utterance_id"] in covered_ids:
            covered += 1
        elif len(set(content_words(Text.of(row["text"] or "").terms))) < _FEWEST_WORDS:
            trivial += 1
        else:
            said.append(
                Said(row["utterance_id"], row["text"], row["call_id"], row["started_week"] or "", row["scenario"])
            )
    return Uncovered(tuple(said), read, covered, trivial, calls)


def _covers(intent: Mapping[str, Any]) -> Sequence[str]:
    """Ids of the utterances that an intent stands on; none of one that is hardly one."""
    if "emptied_by" in intent or intent["intent"] in _NONE:
        return ()
    is_guess = intent["extractor"] == Extractor.LEXICAL and (intent["confidence"] or 0.0) < _SURE
    return () if is_guess else intent["utterance_ids"] or ()


async def _rows(
    answers: Answers, of: Literal["intents", "utterances"], conditions: Sequence[Condition]
) -> AsyncIterator[Mapping[str, Any]]:
    """The rows of a table as mappings; of none at all one with the condition that left nothing."""
    after: str | None = None
    while True:
        page = await answers.answer(Rows(of=of, where=tuple(conditions), limit=_PAGE, after=after))
        if after is None and not page.rows:
            yield {"emptied_by": page.emptied_by}
            return
        for row in page.rows:
            yield dict(zip(page.columns, row, strict=True))
        if (after := page.next) is None:
            return
