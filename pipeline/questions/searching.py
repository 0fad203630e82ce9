"""What was said, by meaning and by word."""

from __future__ import annotations

from pipeline.ports import Hit
from pipeline.questions.narrowing import Asking, combined, emptied_by, narrowed
from pipeline.questions.question import Search
from pipeline.store.answers import Found, Utterance
from pipeline.store.collections import UTTERANCES
from pipeline.store.sparse import highlights


async def search(asking: Asking, question: Search) -> Found[Utterance]:
    """The utterances nearest to the text, best first.

    Raises:
        NoField: a condition cannot be asked.
        Unknown: a name that was asked for is not in the store.
        TooWide: a condition matches too many calls for one search.
    """
    narrowings = await narrowed(asking, UTTERANCES, question.where, question.outcomes)
    where = combined(asking.asker, narrowings)
    hits = await asking.store.search(UTTERANCES, question.text, where, question.limit)
    if hits:
        return Found(tuple(utterance_of(hit, question.text) for hit in hits))
    return Found((), emptied_by=await emptied_by(asking, UTTERANCES, narrowings))


def utterance_of(hit: Hit, asked: str = "") -> Utterance:
    """An utterance as it was found, with the words that were asked for."""
    said = hit.payload
    return Utterance(
        call_id=said["call_id"],
        segment_id=said["segment_id"],
        role=said["role"],
        start_ms=said["start_ms"],
        end_ms=said["end_ms"],
        text=said["text"],
        highlights=highlights(said["text"], asked) if asked else (),
        score=hit.score,
        scenario=said.get("scenario"),
        language=said.get("language"),
        agent=said.get("agent"),
        started_at=said["started_at"],
    )
